// SPDX-License-Identifier: MIT
// Resident SRAM: lines of MemBytes, one access per cycle. An access covers bytes_i bytes (a multiple
// of 4) from addr_i (a multiple of 4) inside one line; byte 0 of wdata_i and rdata_o is the byte at
// addr_i. Read data appears after the clock edge and stays until the next read; what lies beyond
// the line is zero, what lies between bytes_i and the line's end is the line's. Contents are not
// reset.

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
  localparam int unsigned LineW = $clog2(MemBytes);
  localparam int unsigned Lines = Bytes / MemBytes;
  localparam int unsigned MemW = 8 * MemBytes;

  logic [MemW-1:0] mem[Lines];
  logic [MemW-1:0] rdata_q, ones, mask;
  logic [AddrW-LineW-1:0] line;
  logic [LineW+2:0] shift;
  logic unused;

  assign line  = addr_i[AddrW-1:LineW];
  assign shift = {addr_i[LineW-1:2], 5'b0};
  assign unused = ^{chip_i, addr_i[1:0]};
  assign ones  = ~({MemW{1'b1}} << {bytes_i, 3'b000});
  assign mask  = ones << shift;

  always_ff @(posedge clk_i) begin
    if (req_i) begin
      if (we_i) mem[line] <= (mem[line] & ~mask) | ((wdata_i << shift) & mask);
      else rdata_q <= mem[line] >> shift;
    end
  end
  assign rdata_o = rdata_q;
endmodule
