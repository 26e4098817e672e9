// SPDX-License-Identifier: MIT
//
// RAM with one port, Depth words of Width bits (a multiple of eight). A request reads or writes one
// word at the clock edge; read data appears after it and stays until the next read. Bytes whose
// enable is low keep their value. Contents are not reset.
// The masked write replaces the whole word, which simulates faster than writes to slices.

module prim_ram_1rw #(
  parameter int unsigned Depth = 1024,
  parameter int unsigned Width = 32,
  localparam int unsigned AddrWidth = (Depth > 1) ? $clog2(Depth) : 1
) (
  input  logic                 clk_i,
  input  logic                 req_i,
  input  logic                 we_i,
  input  logic [Width/8-1:0]   be_i,
  input  logic [AddrWidth-1:0] addr_i,
  input  logic [Width-1:0]     wdata_i,
  output logic [Width-1:0]     rdata_o
);

  logic [Width-1:0] mem_q [0:Depth-1];
  logic [Width-1:0] rdata_q;
  logic [Width-1:0] mask;

  for (genvar i = 0; i < Width / 8; i++) begin : gen_mask
    assign mask[8*i+:8] = {8{be_i[i]}};
  end

  always_ff @(posedge clk_i) begin
    if (req_i) begin
      if (we_i) mem_q[addr_i] <= (mem_q[addr_i] & ~mask) | (wdata_i & mask);
      else      rdata_q       <= mem_q[addr_i];
    end
  end

  assign rdata_o = rdata_q;

`ifndef SYNTHESIS
  // 33 bits: a power of two that fills the address range must not wrap to zero.
  AddrInRange_A: assert property (@(posedge clk_i)
    req_i |-> 33'(addr_i) < 33'(Depth)) else $error("address beyond the memory");
`endif

endmodule
