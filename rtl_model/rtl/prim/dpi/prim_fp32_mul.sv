// SPDX-License-Identifier: MIT
//
// Fp32 product: C body of gates/prim_fp32_mul.sv.

module prim_fp32_mul (
  input  logic [31:0] a_i,
  input  logic [31:0] b_i,
  output logic [31:0] y_o
);
  import "DPI-C" pure function int unsigned ig1_dpi_fp32_mul(input int unsigned a, input int unsigned b);

  assign y_o = ig1_dpi_fp32_mul(a_i, b_i);
endmodule
