// SPDX-License-Identifier: MIT
// Resident SRAM, body in C: the memory belongs to the chip instance and is mapped, so that pages
// nobody touches cost nothing. Contract: prim/gates/prim_sram.sv.

module prim_sram #(
    parameter int unsigned Bytes = 1 << 24,
    parameter int unsigned MemBytes = 128,
    localparam int unsigned AddrW = $clog2(Bytes)
) (
    input  logic                  clk_i,
    input  logic [           7:0] chip_i,
    input  logic                  req_i,
    input  logic                  we_i,
    input  logic [     AddrW-1:0] addr_i,
    input  logic [           7:0] bytes_i,
    input  logic [8*MemBytes-1:0] wdata_i,
    output logic [8*MemBytes-1:0] rdata_o
);
  localparam int unsigned MemW = 8 * MemBytes;

  import "DPI-C" function void ig1_dpi_sram_read(
    input byte unsigned chip,
    input int unsigned addr,
    input int unsigned line_bytes,
    output bit [MemW-1:0] data
  );
  import "DPI-C" function void ig1_dpi_sram_write(
    input byte unsigned chip,
    input int unsigned addr,
    input int unsigned bytes,
    input bit [MemW-1:0] data
  );

  logic [MemW-1:0] rdata_q;

  always_ff @(posedge clk_i) begin
    if (req_i) begin
      if (we_i) begin
        ig1_dpi_sram_write(chip_i, 32'(addr_i), 32'(bytes_i), wdata_i);
      end else begin
        automatic bit [MemW-1:0] data;
        ig1_dpi_sram_read(chip_i, 32'(addr_i), MemBytes, data);
        rdata_q <= data;
      end
    end
  end
  assign rdata_o = rdata_q;
endmodule
