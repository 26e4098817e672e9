// SPDX-License-Identifier: MIT
//
// fp32 product: round to nearest even, subnormal operands are zeros, results that round below
// 2^-126 are zeros of their sign, any NaN is the canonical one. Combinational.
// Definition: docs/isa.md "Numbers"; C twin: ig1_mul().

module prim_fp32_mul (
  input  logic [31:0] a_i,
  input  logic [31:0] b_i,
  output logic [31:0] y_o
);
  logic        sign;
  logic        a_zero, b_zero, a_inf, b_inf, a_nan, b_nan;
  logic [47:0] product;
  logic [22:0] frac;
  logic        guard, sticky, round_up;
  logic [23:0] rounded;
  // biased exponent of the result; two's complement, -126 to 384
  logic [9:0]  exp_norm, exp_round;

  assign sign   = a_i[31] ^ b_i[31];
  assign a_zero = a_i[30:23] == 8'h00;
  assign b_zero = b_i[30:23] == 8'h00;
  assign a_inf  = (a_i[30:23] == 8'hff) && (a_i[22:0] == 23'h0);
  assign b_inf  = (b_i[30:23] == 8'hff) && (b_i[22:0] == 23'h0);
  assign a_nan  = (a_i[30:23] == 8'hff) && (a_i[22:0] != 23'h0);
  assign b_nan  = (b_i[30:23] == 8'hff) && (b_i[22:0] != 23'h0);

  assign product = {24'h0, 1'b1, a_i[22:0]} * {24'h0, 1'b1, b_i[22:0]};

  assign frac     = product[47] ? product[46:24] : product[45:23];
  assign guard    = product[47] ? product[23] : product[22];
  assign sticky   = product[47] ? |product[22:0] : |product[21:0];
  assign round_up = guard & (sticky | frac[0]);
  // a carry out leaves an all-zero fraction, which is the right one
  assign rounded  = {1'b0, frac} + {23'h0, round_up};

  assign exp_norm  = {2'b00, a_i[30:23]} + {2'b00, b_i[30:23]} - 10'd127 + {9'h0, product[47]};
  assign exp_round = exp_norm + {9'h0, rounded[23]};

  always_comb begin
    y_o = {sign, exp_round[7:0], rounded[22:0]};
    if (a_nan || b_nan || (a_inf && b_zero) || (b_inf && a_zero)) begin
      y_o = ig1_numbers_pkg::F32Nan;
    end else if (a_inf || b_inf) begin
      y_o = {sign, 8'hff, 23'h0};
    end else if (a_zero || b_zero || exp_round[9] || (exp_round == 10'd0)) begin
      // 384 and above cannot be: bit 9 is the sign
      y_o = {sign, 31'h0};
    end else if (exp_round >= 10'd255) begin
      y_o = {sign, 8'hff, 23'h0};
    end
  end
endmodule
