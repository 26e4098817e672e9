// SPDX-License-Identifier: MIT
//
// fp32 to int8: half away from zero, clamped to -127 .. 127, NaN gives 0. Combinational.
// C twin: ig1_f32_to_i8().

module prim_fp32_to_i8 (
  input  logic [31:0] x_i,
  output logic [7:0]  q_o
);
  logic       nan;
  logic [7:0] twice;
  logic [7:0] mag;

  assign nan = (x_i[30:23] == 8'hff) && (x_i[22:0] != 23'h0);

  // |x| in halves; 1.f * 2^(e-127) with e from 126 to 133 is 1 to 255 halves
  assign twice = {1'b1, x_i[22:16]} >> (8'd133 - x_i[30:23]);

  always_comb begin
    mag = 8'({1'b0, twice} + 9'd1 >> 1);
    if (nan || (x_i[30:23] < 8'd126)) begin
      mag = 8'd0;
    end else if ((x_i[30:23] > 8'd133) || mag[7]) begin
      mag = 8'd127;
    end
    q_o = x_i[31] ? 8'd0 - mag : mag;
  end
endmodule
