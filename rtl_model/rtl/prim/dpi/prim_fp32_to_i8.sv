// SPDX-License-Identifier: MIT
//
// fp32 to int8: C body of gates/prim_fp32_to_i8.sv.

module prim_fp32_to_i8 (
  input  logic [31:0] x_i,
  output logic [7:0]  q_o
);
  import "DPI-C" pure function byte ig1_dpi_fp32_to_i8(input int unsigned x);

  assign q_o = ig1_dpi_fp32_to_i8(x_i);
endmodule
