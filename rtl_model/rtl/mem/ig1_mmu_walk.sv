// SPDX-License-Identifier: MIT
// Page-table walk, one at a time: start_i with vpn_i, later done_o for one cycle with a fault code or
// a translation. What a walk read is kept: entries of level 1 that proved good, so that a walk near
// an earlier one reads one entry instead of three, and the last lines of level 0, a line being the
// MemBytes that the bus gives at once, so that the pages beside it cost no read at all. An entry of
// a kept line that would fault is read again. flush_i forgets all; it must come while no walk runs.
//
// Entries are checked in the order of docs/isa.md, "Page tables": bus, page, pte.

module ig1_mmu_walk #(
    parameter int unsigned MemBytes = 128,
    parameter logic [63:0] SramBytes = 64'h1000000,
    parameter int unsigned Kept = 16,
    parameter int unsigned Lines = 8
) (
    input  logic        clk_i,
    input  logic        rst_ni,
    input  logic        flush_i,
    input  logic [51:0] root_i,        // page of the level-2 table
    input  logic        start_i,
    input  logic [26:0] vpn_i,
    output logic        busy_o,
    output logic        done_o,
    output logic [ 7:0] fault_o,
    output logic [26:0] vpn_o,
    output logic [43:0] ppn_o,
    output logic        sram_o,
    output logic        write_o,
    // host reads of MemBytes
    output logic        req_valid_o,
    input  logic        req_ready_i,
    output logic [63:0] req_addr_o,
    input  logic        rsp_valid_i,
    input  logic        rsp_err_i,
    input  logic [8*MemBytes-1:0] rsp_data_i
);
  localparam int unsigned Ptes = MemBytes / 8;  // entries of a line
  localparam int unsigned PteW = $clog2(Ptes);
  localparam int unsigned LineW = $clog2(Lines);
  localparam int unsigned LineTagW = 27 - PteW;
  localparam int unsigned KeptW = $clog2(Kept);
  localparam int unsigned TagW = 18 - KeptW;
  localparam int unsigned PteTop = ig1_pkg::PteAddrLsb + ig1_pkg::PteAddrBits;
  localparam logic [43:0] SramPages = SramBytes[55:12];

  typedef enum logic [1:0] {
    StIdle,
    StReq,
    StWait,
    StCheck
  } state_e;

  state_e state_q, state_d;
  logic [26:0] vpn_q, vpn_d;
  logic [1:0] level_q, level_d;
  logic [51:0] table_q, table_d;  // page number of the table being read
  logic [63:0] pte_q, pte_d;
  logic err_q, err_d;
  logic from_kept_q, from_kept_d, from_line_q, from_line_d;

  // Kept entries of level 1, direct-mapped by the 2 MiB region.
  logic [TagW-1:0] kept_tag[Kept];
  logic [63:0] kept_pte[Kept];
  logic [Kept-1:0] kept_valid_q, kept_valid_d;
  logic [KeptW-1:0] look_slot, keep_slot;
  logic kept_hit, keep;

  assign look_slot = vpn_i[9+:KeptW];
  assign keep_slot = vpn_q[9+:KeptW];
  assign kept_hit  = kept_valid_q[look_slot] && kept_tag[look_slot] == vpn_i[26-:TagW];

  // Lines of level 0, direct-mapped. Regions lie at distances of powers of two, hence the sum.
  function automatic logic [LineW-1:0] line_of(input logic [3*LineW-1:0] tag);
    return tag[LineW-1:0] + tag[LineW+:LineW] + tag[2*LineW+:LineW];
  endfunction

  logic [LineTagW-1:0] line_tag[Lines];
  logic [Ptes-1:0][63:0] line_data[Lines];
  logic [Lines-1:0] line_valid_q, line_valid_d;
  logic [LineW-1:0] look_line, keep_line;
  logic [LineTagW-1:0] look_tag, keep_tag;
  logic line_hit, line_fill;
  logic [Ptes-1:0][63:0] rsp_line;

  assign look_tag  = vpn_i[26:PteW];
  assign keep_tag  = vpn_q[26:PteW];
  assign look_line = line_of(look_tag[3*LineW-1:0]);
  assign keep_line = line_of(keep_tag[3*LineW-1:0]);
  assign line_hit  = line_valid_q[look_line] && line_tag[look_line] == look_tag;
  assign line_fill = state_q == StWait && rsp_valid_i && !rsp_err_i && level_q == 2'd0;
  assign rsp_line  = rsp_data_i;

  // The entry in hand
  logic [43:0] pte_ppn;
  logic pte_valid, pte_write, pte_sram, pte_leaf, pte_stray;
  logic [8:0] index;
  assign pte_ppn   = pte_q[ig1_pkg::PteAddrLsb+:ig1_pkg::PteAddrBits];
  assign pte_valid = pte_q[ig1_pkg::PteValidBit];
  assign pte_write = pte_q[ig1_pkg::PteWriteBit];
  assign pte_sram  = pte_q[ig1_pkg::PteSramBit];
  assign pte_leaf  = pte_q[ig1_pkg::PteLeafBit];
  assign pte_stray = |pte_q[63:PteTop] || |pte_q[ig1_pkg::PteAddrLsb-1:ig1_pkg::PteLeafBit+1];

  logic [17:0] low_mask;  // page-number bits that a leaf of this level takes from the address
  always_comb begin
    unique case (level_q)
      2'd2: begin
        low_mask = 18'h3ffff;
        index = vpn_q[26:18];
      end
      2'd1: begin
        low_mask = 18'h001ff;
        index = vpn_q[17:9];
      end
      default: begin
        low_mask = 18'h00000;
        index = vpn_q[8:0];
      end
    endcase
  end

  logic [43:0] leaf_ppn;
  assign leaf_ppn = {pte_ppn[43:18], pte_ppn[17:0] | (vpn_q[17:0] & low_mask)};

  logic [7:0] fault;
  always_comb begin
    fault = ig1_pkg::FaultNone;
    if (err_q) fault = ig1_pkg::FaultBus;
    else if (!pte_valid) fault = ig1_pkg::FaultPage;
    else if (pte_stray) fault = ig1_pkg::FaultPte;
    else if (pte_leaf) begin
      if (|(pte_ppn[17:0] & low_mask) || (pte_sram && leaf_ppn >= SramPages))
        fault = ig1_pkg::FaultPte;
    end else if (level_q == 2'd0 || pte_sram || pte_write) begin
      fault = ig1_pkg::FaultPte;
    end
  end

  logic again;  // a kept line's entry is no good: it may have become good since
  assign again  = from_line_q && fault != ig1_pkg::FaultNone;

  assign busy_o = state_q != StIdle;
  assign done_o = state_q == StCheck && !again && (fault != ig1_pkg::FaultNone || pte_leaf);
  assign fault_o = fault;
  assign vpn_o = vpn_q;
  assign ppn_o = leaf_ppn;
  assign sram_o = pte_sram;
  assign write_o = pte_write;
  assign keep = state_q == StCheck && fault == ig1_pkg::FaultNone && level_q == 2'd1 &&
      !from_kept_q;

  assign req_valid_o = state_q == StReq;
  assign req_addr_o = {table_q, index[8:PteW], {PteW{1'b0}}, 3'b000};

  always_comb begin
    state_d = state_q;
    vpn_d = vpn_q;
    level_d = level_q;
    table_d = table_q;
    pte_d = pte_q;
    err_d = err_q;
    from_kept_d = from_kept_q;
    from_line_d = from_line_q;
    unique case (state_q)
      StIdle: begin
        if (start_i) begin
          vpn_d = vpn_i;
          err_d = 1'b0;
          from_line_d = line_hit;
          from_kept_d = kept_hit && !line_hit;
          pte_d = line_hit ? line_data[look_line][vpn_i[PteW-1:0]] : kept_pte[look_slot];
          table_d = root_i;
          level_d = line_hit ? 2'd0 : kept_hit ? 2'd1 : 2'd2;
          state_d = line_hit || kept_hit ? StCheck : StReq;
        end
      end
      StReq: if (req_ready_i) state_d = StWait;
      StWait: begin
        if (rsp_valid_i) begin
          pte_d   = rsp_line[index[PteW-1:0]];
          err_d   = rsp_err_i;
          state_d = StCheck;
        end
      end
      StCheck: begin
        from_kept_d = 1'b0;
        from_line_d = 1'b0;
        if (done_o) begin
          state_d = StIdle;
        end else if (again) begin
          level_d = 2'd2;
          state_d = StReq;
        end else begin
          level_d = level_q - 2'd1;
          table_d = {8'd0, pte_ppn};
          state_d = StReq;
        end
      end
      default: ;
    endcase
    kept_valid_d = kept_valid_q;
    if (keep) kept_valid_d[keep_slot] = 1'b1;
    line_valid_d = line_valid_q;
    if (line_fill) line_valid_d[keep_line] = 1'b1;
    if (flush_i) begin
      kept_valid_d = '0;
      line_valid_d = '0;
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q <= StIdle;
      kept_valid_q <= '0;
      line_valid_q <= '0;
    end else begin
      state_q <= state_d;
      kept_valid_q <= kept_valid_d;
      line_valid_q <= line_valid_d;
    end
  end

  always_ff @(posedge clk_i) begin
    vpn_q <= vpn_d;
    level_q <= level_d;
    table_q <= table_d;
    pte_q <= pte_d;
    err_q <= err_d;
    from_kept_q <= from_kept_d;
    from_line_q <= from_line_d;
    if (line_fill) begin
      line_tag[keep_line]  <= keep_tag;
      line_data[keep_line] <= rsp_line;
    end
    if (keep) begin
      kept_tag[keep_slot] <= vpn_q[26-:TagW];
      kept_pte[keep_slot] <= pte_q;
    end
  end

`ifndef SYNTHESIS
  StartIdle :
  assert property (@(posedge clk_i) disable iff (!rst_ni) start_i |-> state_q == StIdle);
  FlushIdle :
  assert property (@(posedge clk_i) disable iff (!rst_ni) flush_i |-> state_q == StIdle);
  RspWait :
  assert property (@(posedge clk_i) disable iff (!rst_ni) rsp_valid_i |-> state_q == StWait);
`endif
endmodule
