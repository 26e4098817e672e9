// SPDX-License-Identifier: MIT
//
// 32 registers of 32 bits: two combinational read ports, one write port. Register 0 reads as zero.
// Not reset: software writes a register before it reads it.

module ig1_mcu_regfile (
  input  logic        clk_i,
  input  logic        we_i,
  input  logic [4:0]  waddr_i,
  input  logic [31:0] wdata_i,
  input  logic [4:0]  raddr_a_i,
  output logic [31:0] rdata_a_o,
  input  logic [4:0]  raddr_b_i,
  output logic [31:0] rdata_b_o
);

  logic [31:0] regs_q [0:31];

  always_ff @(posedge clk_i) begin
    if (we_i) regs_q[waddr_i] <= wdata_i;
  end

  assign rdata_a_o = (raddr_a_i == 5'd0) ? 32'd0 : regs_q[raddr_a_i];
  assign rdata_b_o = (raddr_b_i == 5'd0) ? 32'd0 : regs_q[raddr_b_i];

endmodule
