// SPDX-License-Identifier: MIT
//
// Integer dot products of one word of weights by bit planes: 32 int8 with the activations x0_i, or
// a pair of groups of 32 of four bits, the first with x0_i and the second with x1_i. Eight sums
// over 32 one-bit weights either way; only the coefficients and the second half's activations
// differ. A pair of five bits (pair_i, five_i) takes two more. With two_i it is one group of six
// bits with two sums: of weights 0 to 15 and of 16 to 31, or with whole_i of planes 0 to 4 without
// a sign and of plane 5. Combinational.
//
// planes_i: bit 32 * b + j is plane b of weight j; with pair_i planes 4 to 7 are the second group's
// first four and planes 8 and 9 the fifth of both.

module prim_tile_dot (
  input  logic [255:0] x0_i,
  input  logic [255:0] x1_i,
  input  logic [319:0] planes_i,
  input  logic         pair_i,
  input  logic         five_i,
  input  logic         two_i,
  input  logic         whole_i,
  output logic [20:0]  sum0_o,
  output logic [20:0]  sum1_o
);
  import prim_tile_gates_pkg::plane_sums;

  logic [255:0]       x;  // of planes 4 to 7
  logic [23:0]        h0, h1, h2, h3, h4, h5, h6, h7, h8, h9;  // sums of the halves
  logic signed [12:0] p0, p1, p2, p3, p4, p5, p6, p7, p8, p9;
  logic [20:0]        low, top, high, fifth0, fifth1;

  function automatic logic signed [12:0] whole(input logic [23:0] h);
    whole = {h[11], h[11:0]} + {h[23], h[23:12]};
  endfunction

  // of two's complement of six bits
  function automatic logic [20:0] six(input logic signed [11:0] s0, input logic signed [11:0] s1,
                                      input logic signed [11:0] s2, input logic signed [11:0] s3,
                                      input logic signed [11:0] s4, input logic signed [11:0] s5);
    six = 21'(s0) + (21'(s1) << 1) + (21'(s2) << 2) + (21'(s3) << 3) + (21'(s4) << 4) -
          (21'(s5) << 5);
  endfunction

  assign x = pair_i ? x1_i : x0_i;

  always_comb begin
    h0 = plane_sums(x0_i, planes_i[31:0]);
    h1 = plane_sums(x0_i, planes_i[63:32]);
    h2 = plane_sums(x0_i, planes_i[95:64]);
    h3 = plane_sums(x0_i, planes_i[127:96]);
    h4 = plane_sums(x, planes_i[159:128]);
    h5 = plane_sums(x, planes_i[191:160]);
    h6 = plane_sums(x, planes_i[223:192]);
    h7 = plane_sums(x, planes_i[255:224]);
    h8 = '0;
    h9 = '0;
    if (five_i) begin
      h8 = plane_sums(x0_i, planes_i[287:256]);
      h9 = plane_sums(x1_i, planes_i[319:288]);
    end
  end

  assign p0 = whole(h0);
  assign p1 = whole(h1);
  assign p2 = whole(h2);
  assign p3 = whole(h3);
  assign p4 = whole(h4);
  assign p5 = whole(h5);
  assign p6 = whole(h6);
  assign p7 = whole(h7);
  assign p8 = whole(h8);
  assign p9 = whole(h9);

  // a group's top plane counts negative: with five the fourth does not, which adds it twice
  assign low  = 21'(p0) + (21'(p1) << 1) + (21'(p2) << 2);
  assign top  = 21'(p3) << 3;
  assign high = 21'(p4) + (21'(p5) << 1) + (21'(p6) << 2) - (21'(p7) << 3);

  assign fifth0 = five_i ? (21'(p3) << 4) - (21'(p8) << 4) : 21'h0;
  assign fifth1 = five_i ? (21'(p7) << 4) - (21'(p9) << 4) : 21'h0;

  always_comb begin
    sum0_o = low + top + (high << 4);
    sum1_o = high + fifth1;
    if (pair_i) sum0_o = low - top + fifth0;
    if (two_i && whole_i) begin
      sum0_o = low + top + (21'(p4) << 4);
      sum1_o = 21'(p5);
    end else if (two_i) begin
      sum0_o = six(h0[11:0], h1[11:0], h2[11:0], h3[11:0], h4[11:0], h5[11:0]);
      sum1_o = six(h0[23:12], h1[23:12], h2[23:12], h3[23:12], h4[23:12], h5[23:12]);
    end
  end
endmodule
