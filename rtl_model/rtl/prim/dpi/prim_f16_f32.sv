// SPDX-License-Identifier: MIT
//
// Half to single: C body of gates/prim_f16_f32.sv.

module prim_f16_f32 (
  input  logic [15:0] h_i,
  output logic [31:0] y_o
);
  import "DPI-C" pure function int unsigned ig1_dpi_f16_f32(input int unsigned h);

  assign y_o = ig1_dpi_f16_f32({16'h0, h_i});
endmodule
