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
  logic [31:0]    h, d;
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

  prim_f16_f32 u_scale (
    .h_i(word[15:0]),
    .y_o(h)
  );
  // MX4's scale is an fp32's upper half
  assign d = (fmt_q == ig1_pkg::WfmtMx4) ? {word[15:0], 16'h0} : h;

  always_comb begin
    elems  = word[271:16];
    planes = '0;
    fifth  = '0;
    if (fmt_q != ig1_pkg::WfmtQ80) begin
      prim_tile_gates_pkg::block_planes(fmt_q, word[143:16], planes, fifth);
      for (int unsigned j = 0; j < 32; j++) begin
        elems[8*j+:8] = {{4{fifth[j]}}, planes[96+j], planes[64+j], planes[32+j], planes[j]};
      end
    end
  end

  assign turned = elems >> {first_q, 3'b000};

  for (genvar i = 0; i < Lanes; i++) begin : gen_lane
    logic [31:0] v;

    prim_i2f #(
      .Width(8)
    ) u_i2f (
      .x_i(turned[8*i+:8]),
      .y_o(v)
    );
    prim_fp32_mul u_mul (
      .a_i(d),
      .b_i(v),
      .y_o(y_o[32*i+:32])
    );
  end

  if (Lanes < 32) begin : gen_unused
    logic unused_turned;
    assign unused_turned = ^turned[255:8*Lanes];
  end
endmodule
