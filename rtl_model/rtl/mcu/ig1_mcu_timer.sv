// SPDX-License-Identifier: MIT
//
// Machine timer with the register layout of the SiFive CLINT: mtimecmp at 0x4000, mtime at 0xbff8,
// both 64 bits as two words. Accepts every cycle, answers in the next; other offsets answer with an
// error. Words only: a write without all four byte enables answers with an error and changes
// nothing. mtime counts cycles of clk_i, which must not stop while the core sleeps. After reset
// mtimecmp is all ones, so no interrupt is pending.

module ig1_mcu_timer (
  input  logic        clk_i,
  input  logic        rst_ni,

  input  logic        req_valid_i,
  input  logic [15:2] req_addr_i,
  input  logic        req_we_i,
  input  logic [3:0]  req_be_i,
  input  logic [31:0] req_wdata_i,
  output logic        rsp_valid_o,
  output logic [31:0] rsp_rdata_o,
  output logic        rsp_err_o,

  output logic        irq_o
);

  logic [63:0] mtime_q, mtime_d;
  logic [63:0] mtimecmp_q, mtimecmp_d;
  logic        irq_q, irq_d;
  logic        rsp_valid_q, rsp_valid_d;
  logic        rsp_err_q, rsp_err_d;
  logic [31:0] rsp_rdata_q, rsp_rdata_d;

  logic        sel_time, sel_cmp, hi, write;

  assign hi       = req_addr_i[2];
  assign sel_time = req_addr_i[15:3] == ig1_mcu_pkg::ClintMtime[15:3];
  assign sel_cmp  = req_addr_i[15:3] == ig1_mcu_pkg::ClintMtimecmp[15:3];
  assign write    = req_valid_i && req_we_i && req_be_i == 4'b1111;

  always_comb begin
    mtime_d     = mtime_q + 64'd1;
    mtimecmp_d  = mtimecmp_q;
    // Follows a write in the cycle after the response, in time for the next instruction.
    irq_d       = mtime_q >= mtimecmp_q;
    rsp_valid_d = req_valid_i;
    rsp_err_d   = rsp_err_q;
    rsp_rdata_d = rsp_rdata_q;
    if (req_valid_i) begin
      rsp_err_d   = !(sel_time || sel_cmp) || (req_we_i && req_be_i != 4'b1111);
      rsp_rdata_d = 32'd0;
      if (sel_time) rsp_rdata_d = hi ? mtime_q[63:32] : mtime_q[31:0];
      if (sel_cmp)  rsp_rdata_d = hi ? mtimecmp_q[63:32] : mtimecmp_q[31:0];
    end
    if (write && sel_time) begin
      mtime_d = hi ? {req_wdata_i, mtime_q[31:0]} : {mtime_q[63:32], req_wdata_i};
    end
    if (write && sel_cmp) begin
      mtimecmp_d = hi ? {req_wdata_i, mtimecmp_q[31:0]} : {mtimecmp_q[63:32], req_wdata_i};
    end
  end

  assign rsp_valid_o = rsp_valid_q;
  assign rsp_rdata_o = rsp_rdata_q;
  assign rsp_err_o   = rsp_err_q;
  assign irq_o       = irq_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      mtime_q     <= 64'd0;
      mtimecmp_q  <= 64'hffff_ffff_ffff_ffff;
      irq_q       <= 1'b0;
      rsp_valid_q <= 1'b0;
    end else begin
      mtime_q     <= mtime_d;
      mtimecmp_q  <= mtimecmp_d;
      irq_q       <= irq_d;
      rsp_valid_q <= rsp_valid_d;
    end
  end

  always_ff @(posedge clk_i) begin
    rsp_err_q   <= rsp_err_d;
    rsp_rdata_q <= rsp_rdata_d;
  end

`ifndef SYNTHESIS
  logic in_reset;
  assign in_reset = !rst_ni;

  ReadIsDefined_A: assert property (@(posedge clk_i) disable iff (in_reset)
    rsp_valid_o && rsp_err_o |-> !$past(write && (sel_time || sel_cmp)))
    else $error("refused access changed a register");
`endif

endmodule
