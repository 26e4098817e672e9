// SPDX-License-Identifier: MIT
//
// Scratch memory, body in C: one call per access. Contract: prim/gates/prim_scratch_ram.sv.

module prim_scratch_ram #(
  parameter int unsigned Bytes = 524288,
  parameter int unsigned Lanes = 32
) (
  input  logic                clk_i,
  input  logic                rd_i,
  input  logic [31:0]         rd_addr_i,
  output logic [32*Lanes-1:0] rd_data_o,
  input  logic                wr_i,
  input  logic [31:0]         wr_addr_i,
  input  logic [Lanes-1:0]    wr_mask_i,
  input  logic [32*Lanes-1:0] wr_data_i
);
  chandle ram;
  logic [32*Lanes-1:0] data_q;

  initial ram = prim_dpi_pkg::ig1_dpi_ram_new(Bytes);
  final prim_dpi_pkg::ig1_dpi_ram_free(ram);

  // the read first: it gets the old value
  always_ff @(posedge clk_i) begin
    if (rd_i) begin
      /* verilator lint_off UNUSEDSIGNAL */  // fewer lanes use the low part
      automatic bit [prim_dpi_pkg::DpiWidth-1:0] data;
      /* verilator lint_on UNUSEDSIGNAL */
      prim_dpi_pkg::ig1_dpi_ram_read(ram, rd_addr_i, Lanes, data);
      data_q <= data[32*Lanes-1:0];
    end
    if (wr_i) begin
      prim_dpi_pkg::ig1_dpi_ram_write(ram, wr_addr_i, 32'(wr_mask_i),
                                      prim_dpi_pkg::DpiWidth'(wr_data_i));
    end
  end

  assign rd_data_o = data_q;

`ifndef SYNTHESIS
  ReadAligned_A: assert property (@(posedge clk_i) rd_i |-> rd_addr_i[1:0] == 2'b00)
    else $error("scratch read at %h", rd_addr_i);
  WriteAligned_A: assert property (@(posedge clk_i) wr_i |-> wr_addr_i[1:0] == 2'b00)
    else $error("scratch write at %h", wr_addr_i);
`endif
endmodule
