// SPDX-License-Identifier: MIT
//
// Exact integer dot of one group: 32 int8 activations with the 32 weights of a GGUF block or of an
// int8 row, by bit planes: sum over planes of coefficient times the sum of the activations whose
// weight bit is set. Combinational. C twin: ig1_plane_dot().
//
// w_i holds a block's bytes in order without its scale. q4_i = 0: 32 int8. q4_i = 1: Q4_0's 16
// bytes in w_i[127:0], w_i[255:128] is ignored; element j < 16 is the low nibble of byte j, the
// others the high nibbles, value nibble - 8.

module prim_group_dot (
  input  logic [255:0] x_i,
  input  logic [255:0] w_i,
  input  logic         q4_i,
  output logic [20:0]  sum_o
);
  logic [255:0] w;

  // nibble - 8 is the nibble with its top bit inverted, read as two's complement; extending its
  // sign makes the coefficients of planes 3 to 7 add up to -8
  always_comb begin
    w = w_i;
    if (q4_i) begin
      for (int unsigned j = 0; j < 16; j++) begin
        w[8*j+:8]       = {{5{~w_i[8*j+3]}}, w_i[8*j+:3]};
        w[128+(8*j)+:8] = {{5{~w_i[8*j+7]}}, w_i[(8*j)+4+:3]};
      end
    end
  end

  logic signed [12:0] plane;

  always_comb begin
    sum_o = 21'h0;
    plane = 13'sh0;
    for (int unsigned b = 0; b < 8; b++) begin
      plane = 13'sh0;
      for (int unsigned j = 0; j < 32; j++) begin
        plane = plane + (w[(8*j)+b] ? 13'($signed(x_i[8*j+:8])) : 13'sh0);
      end
      if (b == 7) sum_o = sum_o - (21'(plane) << b);
      else        sum_o = sum_o + (21'(plane) << b);
    end
  end
endmodule
