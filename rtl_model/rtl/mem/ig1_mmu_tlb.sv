// SPDX-License-Identifier: MIT
// Translations of 4096-byte pages: Sets x Ways entries, the ways of a set replaced in turn. Lookup
// is combinational; a fill is seen in the next cycle. flush_i empties it. The set is a sum over the
// page number: layers and sequences lie at distances of powers of two.

module ig1_mmu_tlb #(
    parameter int unsigned Sets = 64,
    parameter int unsigned Ways = 4
) (
    input  logic        clk_i,
    input  logic        rst_ni,
    input  logic        flush_i,
    // lookup
    input  logic [26:0] vpn_i,
    output logic        hit_o,
    output logic [43:0] ppn_o,
    output logic        sram_o,
    output logic        write_o,
    // fill
    input  logic        fill_i,
    input  logic [26:0] fill_vpn_i,
    input  logic [43:0] fill_ppn_i,
    input  logic        fill_sram_i,
    input  logic        fill_write_i
);
  localparam int unsigned SetW = $clog2(Sets);
  localparam int unsigned TagW = 27 - SetW;  // these bits and the set tell the others
  localparam int unsigned WayW = Ways > 1 ? $clog2(Ways) : 1;

  logic [Sets-1:0][Ways-1:0] valid_q, valid_d;
  logic [Sets-1:0][WayW-1:0] turn_q, turn_d;
  logic [SetW-1:0] set, fill_set;
  logic [WayW-1:0] fill_way;

  function automatic logic [SetW-1:0] set_of(input logic [3*SetW-1:0] vpn);
    return vpn[SetW-1:0] + vpn[SetW+:SetW] + vpn[2*SetW+:SetW];
  endfunction

  assign set = set_of(vpn_i[3*SetW-1:0]);
  assign fill_set = set_of(fill_vpn_i[3*SetW-1:0]);
  assign fill_way = turn_q[fill_set];

  logic [Ways-1:0] hit;
  logic [Ways-1:0][45:0] entry;

  for (genvar w = 0; w < int'(Ways); w++) begin : gen_way
    logic [TagW-1:0] tag[Sets];
    logic [45:0] data[Sets];

    always_ff @(posedge clk_i) begin
      if (fill_i && fill_way == WayW'(w)) begin
        tag[fill_set]  <= fill_vpn_i[26:SetW];
        data[fill_set] <= {fill_write_i, fill_sram_i, fill_ppn_i};
      end
    end
    assign hit[w]   = valid_q[set][w] && tag[set] == vpn_i[26:SetW];
    assign entry[w] = hit[w] ? data[set] : 46'd0;
  end

  logic [45:0] found;
  always_comb begin
    found = '0;
    for (int unsigned w = 0; w < Ways; w++) found |= entry[w];
  end

  assign hit_o = |hit;
  assign {write_o, sram_o, ppn_o} = found;

  always_comb begin
    valid_d = valid_q;
    turn_d  = turn_q;
    if (fill_i) begin
      valid_d[fill_set][fill_way] = 1'b1;
      turn_d[fill_set] = fill_way == WayW'(Ways - 1) ? '0 : fill_way + WayW'(1);
    end
    if (flush_i) valid_d = '0;
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      valid_q <= '0;
      turn_q  <= '0;
    end else begin
      valid_q <= valid_d;
      turn_q  <= turn_d;
    end
  end

`ifndef SYNTHESIS
  OneHit :
  assert property (@(posedge clk_i) disable iff (!rst_ni) $onehot0(hit));
`endif
endmodule
