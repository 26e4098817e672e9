// SPDX-License-Identifier: MIT
//
// Two's complement integer of 2 to 32 bits to fp32, round to nearest even. Combinational.
// C twin: ig1_i2f().

module prim_i2f #(
  parameter int unsigned Width = 21
) (
  input  logic [Width-1:0] x_i,
  output logic [31:0]      y_o
);
  logic [31:0] wide, mag, norm;
  logic [4:0]  zeros;
  logic        round_up;
  logic [23:0] rounded;
  logic [7:0]  exp;

  assign wide = 32'($signed(x_i));
  assign mag  = wide[31] ? 32'h0 - wide : wide;

  always_comb begin
    zeros = 5'd31;
    for (int unsigned i = 0; i < 32; i++) begin
      if (mag[i]) zeros = 5'd31 - 5'(i);
    end
  end

  assign norm     = mag << zeros;
  assign round_up = norm[7] & (|norm[6:0] | norm[8]);
  assign rounded  = {1'b0, norm[30:8]} + {23'h0, round_up};
  assign exp      = 8'd158 - {3'b000, zeros} + {7'h0, rounded[23]};

  assign y_o = norm[31] ? {wide[31], exp, rounded[22:0]} : 32'h0;
endmodule
