// SPDX-License-Identifier: MIT
//
// fp32 sum: round to nearest even, subnormal operands are zeros, results below 2^-126 are zeros
// of their sign, any NaN is the canonical one. Combinational.
// Definition: docs/isa.md "Numbers"; C twin: ig1_add().

module prim_fp32_add (
  input  logic [31:0] a_i,
  input  logic [31:0] b_i,
  output logic [31:0] y_o
);
  logic        a_inf, b_inf, a_nan, b_nan;
  logic        a_small;
  logic        sign_big, sign_small, subtract;
  logic [7:0]  exp_big, exp_small, distance;
  logic [23:0] sig_a, sig_b, sig_big, sig_small;
  // significand, guard and round bit; the sticky bit below
  logic [26:0] big, aligned;
  logic [49:0] shifted;
  logic [27:0] sum;
  logic [26:0] norm;
  logic [4:0]  zeros;
  logic [22:0] frac;
  logic        round_up;
  logic [23:0] rounded;
  logic [9:0]  exp_norm, exp_round;

  assign a_inf = (a_i[30:23] == 8'hff) && (a_i[22:0] == 23'h0);
  assign b_inf = (b_i[30:23] == 8'hff) && (b_i[22:0] == 23'h0);
  assign a_nan = (a_i[30:23] == 8'hff) && (a_i[22:0] != 23'h0);
  assign b_nan = (b_i[30:23] == 8'hff) && (b_i[22:0] != 23'h0);

  assign sig_a = (a_i[30:23] == 8'h00) ? 24'h0 : {1'b1, a_i[22:0]};
  assign sig_b = (b_i[30:23] == 8'h00) ? 24'h0 : {1'b1, b_i[22:0]};

  // two subnormals may order wrongly here: both are zeros then
  assign a_small    = a_i[30:0] < b_i[30:0];
  assign sign_big   = a_small ? b_i[31] : a_i[31];
  assign sign_small = a_small ? a_i[31] : b_i[31];
  assign exp_big    = a_small ? b_i[30:23] : a_i[30:23];
  assign exp_small  = a_small ? a_i[30:23] : b_i[30:23];
  assign sig_big    = a_small ? sig_b : sig_a;
  assign sig_small  = a_small ? sig_a : sig_b;
  assign subtract   = sign_big ^ sign_small;

  // a significand more than 25 places down is all sticky
  assign distance = exp_big - exp_small;
  assign shifted  = (distance > 8'd25) ? {49'h0, sig_small != 24'h0} :
                                         {sig_small, 26'h0} >> distance[4:0];
  assign big      = {sig_big, 3'b000};
  assign aligned  = {shifted[49:24], |shifted[23:0]};
  assign sum      = subtract ? {1'b0, big} - {1'b0, aligned} : {1'b0, big} + {1'b0, aligned};

  always_comb begin
    zeros = 5'd28;
    for (int unsigned i = 0; i < 28; i++) begin
      if (sum[i]) zeros = 5'd27 - 5'(i);
    end
  end

  // the leading one itself falls out
  assign norm     = sum[26:0] << zeros;
  assign frac     = norm[26:4];
  assign round_up = norm[3] & (|norm[2:0] | norm[4]);
  assign rounded  = {1'b0, frac} + {23'h0, round_up};

  // two's complement; the leading one of an operand sits at bit 26 of the sum
  assign exp_norm  = {2'b00, exp_big} + 10'd1 - {5'h0, zeros};
  assign exp_round = exp_norm + {9'h0, rounded[23]};

  always_comb begin
    y_o = {sign_big, exp_round[7:0], rounded[22:0]};
    if (a_nan || b_nan || (a_inf && b_inf && subtract)) begin
      y_o = ig1_numbers_pkg::F32Nan;
    end else if (a_inf || b_inf) begin
      y_o = {sign_big, 8'hff, 23'h0};
    end else if (sum == 28'h0) begin
      y_o = {a_i[31] & b_i[31], 31'h0};
    end else if (exp_round[9] || (exp_round == 10'd0)) begin
      y_o = {sign_big, 31'h0};
    end else if (exp_round >= 10'd255) begin
      y_o = {sign_big, 8'hff, 23'h0};
    end
  end
endmodule
