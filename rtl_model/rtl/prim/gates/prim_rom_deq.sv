// SPDX-License-Identifier: MIT
//
// Lanes elements of one block of the weight ROM as fp32: elements from first_i of the 32 of the
// block at addr_i. The result follows the clock edge and stays until the next access.

module prim_rom_deq #(
  parameter int unsigned Lanes = 32
) (
  input  logic                clk_i,
  input  logic [7:0]          chip_i,
  input  logic                rd_i,
  input  logic [39:0]         addr_i,
  input  ig1_pkg::wfmt_e      fmt_i,
  input  logic [4:0]          first_i,
  output logic [32*Lanes-1:0] y_o
);
  /* verilator lint_off UNUSEDSIGNAL */  // the second block of a pair
  logic [287:0]   word;
  /* verilator lint_on UNUSEDSIGNAL */
  logic [255:0]   elems, turned;
  logic [127:0]   planes;
  logic [31:0]    fifth;
  logic [31:0]    d0, d1, c;
  logic           halves;  // weights 16 to 31 have a scale of their own
  ig1_pkg::wfmt_e fmt_q;
  logic [4:0]     first_q;

  prim_rom_word u_rom (
    .clk_i (clk_i),
    .chip_i(chip_i),
    .rd_i  (rd_i),
    .addr_i(addr_i),
    .data_o(word)
  );

  always_ff @(posedge clk_i) begin
    if (rd_i) begin
      fmt_q   <= fmt_i;
      first_q <= first_i;
    end
  end

  prim_tile_scales u_scales (
    .fmt_i (fmt_q),
    .word_i(word),
    .d0_o  (d0),
    .d1_o  (d1)
  );

  // -0 changes no sum
  assign c      = prim_tile_pkg::fmt_constant(fmt_q) ? d1 : 32'h8000_0000;
  assign halves = prim_tile_pkg::fmt_two(fmt_q) && !prim_tile_pkg::fmt_constant(fmt_q);

  always_comb begin
    elems  = '0;
    planes = '0;
    fifth  = '0;
    if (prim_tile_pkg::fmt_pair(fmt_q)) begin
      prim_tile_gates_pkg::block_planes(fmt_q, word[143:16], planes, fifth);
      for (int unsigned j = 0; j < 32; j++) begin
        elems[8*j+:8] = {{4{fifth[j]}}, planes[96+j], planes[64+j], planes[32+j], planes[j]};
      end
    end else begin
      prim_tile_gates_pkg::group_bytes(fmt_q, word, elems);
    end
  end

  assign turned = elems >> {first_q, 3'b000};

  for (genvar i = 0; i < Lanes; i++) begin : gen_lane
    /* verilator lint_off UNUSEDSIGNAL */  // which half of the block it is
    logic [4:0]  at;
    /* verilator lint_on UNUSEDSIGNAL */
    logic [31:0] v;

    assign at = first_q + 5'(i);

    prim_i2f #(
      .Width(8)
    ) u_i2f (
      .x_i(turned[8*i+:8]),
      .y_o(v)
    );
    prim_fp32_mad u_mad (
      .a_i(halves && at[4] ? d1 : d0),
      .b_i(v),
      .c_i(c),
      .y_o(y_o[32*i+:32])
    );
  end

  if (Lanes < 32) begin : gen_unused
    logic unused_turned;
    assign unused_turned = ^turned[255:8*Lanes];
  end
endmodule
