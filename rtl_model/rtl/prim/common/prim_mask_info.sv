// SPDX-License-Identifier: MIT
// Sizes of what is in chip `chip_i`'s masks, known from the second cycle after reset on.

module prim_mask_info (
    input  logic        clk_i,
    input  logic        rst_ni,
    input  logic [ 7:0] chip_i,
    output logic [31:0] fdt_bytes_o,
    output logic [63:0] rom_bytes_o,
    output logic [63:0] crom_bytes_o
);
  // which: 0 device tree, 1 weight ROM, 2 constant ROM
  import "DPI-C" function longint unsigned ig1_dpi_mask_bytes(
    input byte unsigned chip,
    input int unsigned which
  );

  logic known_q;
  logic [31:0] fdt_bytes_q;
  logic [63:0] rom_bytes_q, crom_bytes_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      known_q <= 1'b0;
      fdt_bytes_q <= '0;
      rom_bytes_q <= '0;
      crom_bytes_q <= '0;
    end else if (!known_q) begin
      known_q <= 1'b1;
      fdt_bytes_q <= 32'(ig1_dpi_mask_bytes(chip_i, 0));
      rom_bytes_q <= ig1_dpi_mask_bytes(chip_i, 1);
      crom_bytes_q <= ig1_dpi_mask_bytes(chip_i, 2);
    end
  end

  assign fdt_bytes_o = fdt_bytes_q;
  assign rom_bytes_o = rom_bytes_q;
  assign crom_bytes_o = crom_bytes_q;
endmodule
