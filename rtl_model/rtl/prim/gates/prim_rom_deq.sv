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
  input  logic                q4_i,
  input  logic [4:0]          first_i,
  output logic [32*Lanes-1:0] y_o
);
  /* verilator lint_off UNUSEDSIGNAL */  // the second block of a Q4_0 word
  logic [287:0] word;
  /* verilator lint_on UNUSEDSIGNAL */
  logic [255:0] elems, turned;
  logic [31:0]  d;
  logic         q4_q;
  logic [4:0]   first_q;

  prim_rom_word u_rom (
    .clk_i (clk_i),
    .chip_i(chip_i),
    .rd_i  (rd_i),
    .addr_i(addr_i),
    .data_o(word)
  );

  always_ff @(posedge clk_i) begin
    if (rd_i) begin
      q4_q    <= q4_i;
      first_q <= first_i;
    end
  end

  prim_f16_f32 u_scale (
    .h_i(word[15:0]),
    .y_o(d)
  );

  // nibble - 8 is the nibble with its top bit inverted, sign-extended
  always_comb begin
    elems = word[271:16];
    if (q4_q) begin
      for (int unsigned j = 0; j < 16; j++) begin
        elems[8*j+:8]       = {{5{~word[16+8*j+3]}}, word[16+8*j+:3]};
        elems[128+(8*j)+:8] = {{5{~word[16+8*j+7]}}, word[16+(8*j)+4+:3]};
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
