// SPDX-License-Identifier: MIT
//
// a * b + c with both operations rounded (not fused). Combinational. C twin: ig1_mad().

module prim_fp32_mad (
  input  logic [31:0] a_i,
  input  logic [31:0] b_i,
  input  logic [31:0] c_i,
  output logic [31:0] y_o
);
  logic [31:0] product;

  prim_fp32_mul u_mul (
    .a_i(a_i),
    .b_i(b_i),
    .y_o(product)
  );

  prim_fp32_add u_add (
    .a_i(product),
    .b_i(c_i),
    .y_o(y_o)
  );
endmodule
