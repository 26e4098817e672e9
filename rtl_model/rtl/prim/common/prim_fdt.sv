// SPDX-License-Identifier: MIT
// Device tree of chip `chip_i`: one read port of words, data after the clock edge until the next
// read; words beyond the blob are zero. The contents live outside the model.

module prim_fdt (
    input  logic        clk_i,
    input  logic [ 7:0] chip_i,
    input  logic        rd_i,
    input  logic [15:0] addr_i,  // multiple of 4
    output logic [31:0] data_o
);
  import "DPI-C" function int unsigned ig1_dpi_fdt_word(
    input byte unsigned chip,
    input int unsigned addr
  );

  logic [31:0] data_q;

  always_ff @(posedge clk_i) if (rd_i) data_q <= ig1_dpi_fdt_word(chip_i, {16'd0, addr_i});

  assign data_o = data_q;
endmodule
