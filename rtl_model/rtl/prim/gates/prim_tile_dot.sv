// SPDX-License-Identifier: MIT
//
// Integer dot products of one word of weights by bit planes: 32 int8 with the activations x0_i, or
// a pair of groups of 32 of four bits, the first with x0_i and the second with x1_i. Eight sums
// over 32 one-bit weights either way; only the coefficients and the second half's activations
// differ. A pair of five bits (five_i) takes two more. Combinational.
//
// planes_i: bit 32 * b + j is plane b of weight j; with pair_i planes 4 to 7 are the second group's
// first four and planes 8 and 9 the fifth of both.

module prim_tile_dot (
  input  logic [255:0] x0_i,
  input  logic [255:0] x1_i,
  input  logic [319:0] planes_i,
  input  logic         pair_i,
  input  logic         five_i,
  output logic [20:0]  sum0_o,
  output logic [20:0]  sum1_o
);
  import prim_tile_gates_pkg::plane_sum;

  logic [255:0]       x;  // of planes 4 to 7
  logic signed [12:0] p0, p1, p2, p3, p4, p5, p6, p7, p8, p9;
  logic [20:0]        low, top, high, fifth0, fifth1;

  assign x = pair_i ? x1_i : x0_i;

  always_comb begin
    p0 = plane_sum(x0_i, planes_i[31:0]);
    p1 = plane_sum(x0_i, planes_i[63:32]);
    p2 = plane_sum(x0_i, planes_i[95:64]);
    p3 = plane_sum(x0_i, planes_i[127:96]);
    p4 = plane_sum(x, planes_i[159:128]);
    p5 = plane_sum(x, planes_i[191:160]);
    p6 = plane_sum(x, planes_i[223:192]);
    p7 = plane_sum(x, planes_i[255:224]);
    p8 = '0;
    p9 = '0;
    if (five_i) begin
      p8 = plane_sum(x0_i, planes_i[287:256]);
      p9 = plane_sum(x1_i, planes_i[319:288]);
    end
  end

  // a group's top plane counts negative: with five the fourth does not, which adds it twice
  assign low  = 21'(p0) + (21'(p1) << 1) + (21'(p2) << 2);
  assign top  = 21'(p3) << 3;
  assign high = 21'(p4) + (21'(p5) << 1) + (21'(p6) << 2) - (21'(p7) << 3);

  assign fifth0 = five_i ? (21'(p3) << 4) - (21'(p8) << 4) : 21'h0;
  assign fifth1 = five_i ? (21'(p7) << 4) - (21'(p9) << 4) : 21'h0;

  assign sum0_o = pair_i ? low - top + fifth0 : low + top + (high << 4);
  assign sum1_o = high + fifth1;
endmodule
