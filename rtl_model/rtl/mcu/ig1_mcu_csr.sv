// SPDX-License-Identifier: MIT
//
// Machine-mode control and status registers, trap state and interrupt selection.
// Reads are combinational; a write, a trap entry or an mret takes effect at the clock edge. The
// core guarantees that at most one of commit_i, trap_i and mret_i is high.
// WARL choices: mtvec is direct mode only, mepc and mtvec keep bits 1:0 at zero, MPP is constant
// (M), mcause keeps the interrupt bit and five code bits. Counters run unless written; the other
// performance counters, their event selectors, mstatush and mconfigptr read as zero.

module ig1_mcu_csr #(
  parameter logic [31:0] HartId = 32'd0
) (
  input  logic                       clk_i,
  input  logic                       rst_ni,

  // CSR instruction
  input  logic                [11:0] addr_i,
  input  logic                [1:0]  op_i,         // funct3 bits 1:0, see csr_op_e
  input  logic                [31:0] src_i,
  input  logic                       write_i,      // the instruction writes if it is executed
  input  logic                       commit_i,     // it is executed, in this cycle
  output logic                [31:0] rdata_o,
  output logic                       illegal_o,    // no such register, or a read-only one written

  // Events
  input  logic                       retire_i,
  input  logic                       mret_i,
  input  logic                       trap_i,
  input  ig1_mcu_pkg::cause_t        trap_cause_i,
  input  logic                [31:2] trap_pc_i,
  input  logic                [31:0] trap_tval_i,

  // Interrupts
  input  logic                       irq_ext_i,
  input  logic                       irq_timer_i,
  output logic                       irq_pending_o,  // pending and enabled in mie: ends a wfi
  output logic                       irq_take_o,     // and mstatus.MIE is set
  output ig1_mcu_pkg::cause_t        irq_cause_o,

  output logic                [31:0] mtvec_o,
  output logic                       mtvec_set_o,  // written since reset
  output logic                [31:0] mepc_o
);

  logic         status_mie_q, status_mie_d;
  logic         status_mpie_q, status_mpie_d;
  logic         ie_ext_q, ie_ext_d;
  logic         ie_timer_q, ie_timer_d;
  logic         mtvec_set_q, mtvec_set_d;
  logic  [31:2] mtvec_q, mtvec_d;
  logic  [31:2] mepc_q, mepc_d;
  logic  [31:0] mscratch_q, mscratch_d;
  logic  [31:0] mtval_q, mtval_d;
  logic  [63:0] mcycle_q, mcycle_d;
  logic  [63:0] minstret_q, minstret_d;
  ig1_mcu_pkg::cause_t mcause_q, mcause_d;

  logic         exists;
  logic         write;
  logic  [31:0] wdata;

  always_comb begin
    rdata_o = 32'd0;
    exists  = 1'b1;
    unique case (addr_i)
      ig1_mcu_pkg::CsrMstatus: begin
        rdata_o[12:11]                       = 2'b11;
        rdata_o[ig1_mcu_pkg::StatusMieBit]  = status_mie_q;
        rdata_o[ig1_mcu_pkg::StatusMpieBit] = status_mpie_q;
      end
      ig1_mcu_pkg::CsrMisa: rdata_o = ig1_mcu_pkg::MisaValue;
      ig1_mcu_pkg::CsrMie: begin
        rdata_o[ig1_mcu_pkg::IrqExtBit]   = ie_ext_q;
        rdata_o[ig1_mcu_pkg::IrqTimerBit] = ie_timer_q;
      end
      ig1_mcu_pkg::CsrMip: begin
        rdata_o[ig1_mcu_pkg::IrqExtBit]   = irq_ext_i;
        rdata_o[ig1_mcu_pkg::IrqTimerBit] = irq_timer_i;
      end
      ig1_mcu_pkg::CsrMtvec:     rdata_o = {mtvec_q, 2'b00};
      ig1_mcu_pkg::CsrMscratch:  rdata_o = mscratch_q;
      ig1_mcu_pkg::CsrMepc:      rdata_o = {mepc_q, 2'b00};
      ig1_mcu_pkg::CsrMcause:    rdata_o = {mcause_q.irq, 26'd0, mcause_q.code};
      ig1_mcu_pkg::CsrMtval:     rdata_o = mtval_q;
      ig1_mcu_pkg::CsrMcycle:    rdata_o = mcycle_q[31:0];
      ig1_mcu_pkg::CsrMcycleh:   rdata_o = mcycle_q[63:32];
      ig1_mcu_pkg::CsrMinstret:  rdata_o = minstret_q[31:0];
      ig1_mcu_pkg::CsrMinstreth: rdata_o = minstret_q[63:32];
      ig1_mcu_pkg::CsrMimpid:    rdata_o = ig1_mcu_pkg::MimpidValue;
      ig1_mcu_pkg::CsrMhartid:   rdata_o = HartId;
      ig1_mcu_pkg::CsrMstatush,
      ig1_mcu_pkg::CsrMvendorid,
      ig1_mcu_pkg::CsrMarchid,
      ig1_mcu_pkg::CsrMconfigptr: ;
      // mhpmevent3..31, mhpmcounter3..31 and mhpmcounter3h..31h; numbers 0 to 2 are no registers
      // here or were handled above.
      default: exists = (addr_i[11:5] == 7'h19 || addr_i[11:5] == 7'h58 || addr_i[11:5] == 7'h5c) &&
                        addr_i[4:0] > 5'd2;
    endcase
  end

  assign illegal_o = !exists || (write_i && addr_i[11:10] == 2'b11);
  assign write     = commit_i && write_i;

  always_comb begin
    wdata = src_i;
    if (op_i == ig1_mcu_pkg::CsrOpSet)   wdata = rdata_o | src_i;
    if (op_i == ig1_mcu_pkg::CsrOpClear) wdata = rdata_o & ~src_i;
  end

  always_comb begin
    status_mie_d  = status_mie_q;
    status_mpie_d = status_mpie_q;
    ie_ext_d      = ie_ext_q;
    ie_timer_d    = ie_timer_q;
    mtvec_d       = mtvec_q;
    mtvec_set_d   = mtvec_set_q;
    mepc_d        = mepc_q;
    mcause_d      = mcause_q;
    mtval_d       = mtval_q;
    mscratch_d    = mscratch_q;
    mcycle_d      = mcycle_q + 64'd1;
    minstret_d    = minstret_q + {63'd0, retire_i};

    if (trap_i) begin
      status_mie_d  = 1'b0;
      status_mpie_d = status_mie_q;
      mepc_d        = trap_pc_i;
      mcause_d      = trap_cause_i;
      mtval_d       = trap_tval_i;
    end else if (mret_i) begin
      status_mie_d  = status_mpie_q;
      status_mpie_d = 1'b1;
    end else if (write) begin
      unique case (addr_i)
        ig1_mcu_pkg::CsrMstatus: begin
          status_mie_d  = wdata[ig1_mcu_pkg::StatusMieBit];
          status_mpie_d = wdata[ig1_mcu_pkg::StatusMpieBit];
        end
        ig1_mcu_pkg::CsrMie: begin
          ie_ext_d   = wdata[ig1_mcu_pkg::IrqExtBit];
          ie_timer_d = wdata[ig1_mcu_pkg::IrqTimerBit];
        end
        ig1_mcu_pkg::CsrMtvec: begin
          mtvec_d     = wdata[31:2];
          mtvec_set_d = 1'b1;
        end
        ig1_mcu_pkg::CsrMscratch:  mscratch_d = wdata;
        ig1_mcu_pkg::CsrMepc:      mepc_d     = wdata[31:2];
        ig1_mcu_pkg::CsrMcause:    mcause_d   = {wdata[31], wdata[4:0]};
        ig1_mcu_pkg::CsrMtval:     mtval_d    = wdata;
        ig1_mcu_pkg::CsrMcycle:    mcycle_d   = {mcycle_q[63:32], wdata};
        ig1_mcu_pkg::CsrMcycleh:   mcycle_d   = {wdata, mcycle_q[31:0]};
        ig1_mcu_pkg::CsrMinstret:  minstret_d = {minstret_q[63:32], wdata};
        ig1_mcu_pkg::CsrMinstreth: minstret_d = {wdata, minstret_q[31:0]};
        default: ;
      endcase
    end
  end

  assign irq_pending_o = (irq_ext_i && ie_ext_q) || (irq_timer_i && ie_timer_q);
  assign irq_take_o    = irq_pending_o && status_mie_q;
  // External before timer, as the privileged specification orders them.
  assign irq_cause_o   = (irq_ext_i && ie_ext_q) ? ig1_mcu_pkg::CauseIrqExt
                                                 : ig1_mcu_pkg::CauseIrqTimer;
  assign mtvec_o       = {mtvec_q, 2'b00};
  assign mtvec_set_o   = mtvec_set_q;
  assign mepc_o        = {mepc_q, 2'b00};

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      status_mie_q  <= 1'b0;
      status_mpie_q <= 1'b0;
      ie_ext_q      <= 1'b0;
      ie_timer_q    <= 1'b0;
      mtvec_set_q   <= 1'b0;
      mtvec_q       <= 30'd0;
      mcause_q      <= 6'd0;
      mcycle_q      <= 64'd0;
      minstret_q    <= 64'd0;
    end else begin
      status_mie_q  <= status_mie_d;
      status_mpie_q <= status_mpie_d;
      ie_ext_q      <= ie_ext_d;
      ie_timer_q    <= ie_timer_d;
      mtvec_set_q   <= mtvec_set_d;
      mtvec_q       <= mtvec_d;
      mcause_q      <= mcause_d;
      mcycle_q      <= mcycle_d;
      minstret_q    <= minstret_d;
    end
  end

  always_ff @(posedge clk_i) begin
    mepc_q     <= mepc_d;
    mtval_q    <= mtval_d;
    mscratch_q <= mscratch_d;
  end

`ifndef SYNTHESIS
  logic in_reset;
  assign in_reset = !rst_ni;

  OneEvent_A: assert property (@(posedge clk_i) disable iff (in_reset)
    $onehot0({commit_i, trap_i, mret_i})) else $error("two of csr write, trap and mret at once");
  NoIllegalWrite_A: assert property (@(posedge clk_i) disable iff (in_reset)
    commit_i |-> !illegal_o) else $error("illegal csr access committed");
  TrapDisables_A: assert property (@(posedge clk_i) disable iff (in_reset)
    trap_i |=> !irq_take_o) else $error("interrupts enabled right after a trap");
`endif

endmodule
