// SPDX-License-Identifier: MIT
//
// Fp32 sum: C body of gates/prim_fp32_add.sv.

module prim_fp32_add (
  input  logic [31:0] a_i,
  input  logic [31:0] b_i,
  output logic [31:0] y_o
);
  import "DPI-C" pure function int unsigned ig1_dpi_fp32_add(input int unsigned a, input int unsigned b);

  assign y_o = ig1_dpi_fp32_add(a_i, b_i);
endmodule
