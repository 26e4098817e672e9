// SPDX-License-Identifier: MIT
//
// RV32IM core, machine mode, in order, one instruction at a time.
//
// An instruction executes in the cycle its fetch response arrives, and that cycle already requests
// the next word, so straight-line code on a memory with one cycle of latency takes one cycle per
// instruction. Taken branches, jumps, mret and traps take 2, loads and stores 3, multiplications 3,
// divisions 34.
//
// Bus ports (the fetch port reads words only): a request is taken when valid and ready; its answer
// comes at least one cycle later. The core never has more than one access in flight over both ports
// together, so memory order is program order and fences do nothing. A response with err set raises
// the access fault; its data is ignored.
//
// Interrupts are taken between instructions only, when the next instruction has been fetched. wfi
// waits in StSleep until an interrupt enabled in mie is pending, whatever mstatus.MIE says; sleep_o
// is high meanwhile and follows the interrupt inputs combinationally: a clock gated with it wakes.
//
// lockup_o: a trap that no handler can serve stops the core until reset. That is a trap before
// software has written mtvec, or a trap before any instruction has retired since the previous one.

module ig1_mcu_core #(
  parameter logic [31:0] BootAddr = 32'h0000_0000,
  parameter logic [31:0] HartId   = 32'd0
) (
  input  logic        clk_i,
  input  logic        rst_ni,

  output logic        instr_req_valid_o,
  input  logic        instr_req_ready_i,
  output logic [31:0] instr_req_addr_o,
  input  logic        instr_rsp_valid_i,
  input  logic [31:0] instr_rsp_rdata_i,
  input  logic        instr_rsp_err_i,

  output logic        data_req_valid_o,
  input  logic        data_req_ready_i,
  output logic [31:0] data_req_addr_o,
  output logic        data_req_we_o,
  output logic [3:0]  data_req_be_o,
  output logic [31:0] data_req_wdata_o,
  input  logic        data_rsp_valid_i,
  input  logic [31:0] data_rsp_rdata_i,
  input  logic        data_rsp_err_i,

  input  logic        irq_ext_i,
  input  logic        irq_timer_i,

  output logic        sleep_o,
  output logic        lockup_o
);

  ig1_mcu_pkg::state_e state_q, state_d, state_next;
  logic [31:0]         pc_q, pc_d;
  logic [31:0]         ir_q, ir_d;
  logic                trap_fresh_q, trap_fresh_d;  // nothing retired since the last trap

  // Decode
  logic [31:0]          instr;
  ig1_mcu_pkg::class_e  instr_class;
  ig1_mcu_pkg::alu_op_e alu_op;
  logic                 a_pc, a_zero, b_imm;
  logic [31:0]          imm;

  // Execute
  logic [31:0] rs1, rs2, alu_a, alu_b, alu_result;
  logic        alu_eq, alu_lt;
  logic [31:0] pc_plus4, target;
  logic        taken;
  logic        mem_misaligned;
  logic [31:0] load_data;
  logic        md_start, md_done;
  logic [31:0] md_result;

  // Control
  logic        rf_we;
  logic [31:0] rf_wdata;
  logic        next;      // the instruction completes and the one after it in memory follows
  logic        redirect;  // it completes and pc_d, state_next say what follows
  logic        retire;
  logic        trap, trap_enter;
  ig1_mcu_pkg::cause_t trap_cause;
  logic [31:0] trap_tval;
  logic        mret;

  // CSR
  logic        csr_write, csr_commit, csr_illegal;
  logic [31:0] csr_src, csr_rdata;
  logic        irq_pending, irq_take;
  ig1_mcu_pkg::cause_t irq_cause;
  logic [31:0] mtvec, mepc;
  logic        mtvec_set;

  // The word is executed as it arrives; instructions that take longer continue from the copy.
  assign instr = (state_q == ig1_mcu_pkg::StExec) ? instr_rsp_rdata_i : ir_q;

  ig1_mcu_decoder u_decoder (
    .instr_i  (instr),
    .class_o  (instr_class),
    .alu_op_o (alu_op),
    .a_pc_o   (a_pc),
    .a_zero_o (a_zero),
    .b_imm_o  (b_imm),
    .imm_o    (imm)
  );

  ig1_mcu_regfile u_regfile (
    .clk_i     (clk_i),
    .we_i      (rf_we),
    .waddr_i   (instr[11:7]),
    .wdata_i   (rf_wdata),
    .raddr_a_i (instr[19:15]),
    .rdata_a_o (rs1),
    .raddr_b_i (instr[24:20]),
    .rdata_b_o (rs2)
  );

  assign alu_a = a_pc ? pc_q : (a_zero ? 32'd0 : rs1);
  assign alu_b = b_imm ? imm : rs2;

  ig1_mcu_alu u_alu (
    .op_i     (alu_op),
    .a_i      (alu_a),
    .b_i      (alu_b),
    .result_o (alu_result),
    .eq_o     (alu_eq),
    .lt_o     (alu_lt)
  );

  assign pc_plus4 = pc_q + 32'd4;
  // Bit 0 is cleared for jalr's sake; for the other jumps it is zero anyway.
  assign target   = (instr_class == ig1_mcu_pkg::ClassBranch) ? pc_q + imm
                                                              : {alu_result[31:1], 1'b0};
  assign taken    = instr_class == ig1_mcu_pkg::ClassJump ||
                    ((instr[14] ? alu_lt : alu_eq) ^ instr[12]);

  ig1_mcu_muldiv u_muldiv (
    .clk_i    (clk_i),
    .rst_ni   (rst_ni),
    .start_i  (md_start),
    .op_i     (instr[14:12]),
    .a_i      (rs1),
    .b_i      (rs2),
    .done_o   (md_done),
    .result_o (md_result)
  );

  ig1_mcu_lsu u_lsu (
    .funct3_i     (instr[14:12]),
    .offset_i     (alu_result[1:0]),
    .misaligned_o (mem_misaligned),
    .be_o         (data_req_be_o),
    .store_data_i (rs2),
    .wdata_o      (data_req_wdata_o),
    .rdata_i      (data_rsp_rdata_i),
    .load_data_o  (load_data)
  );

  assign data_req_addr_o = alu_result;
  assign data_req_we_o   = instr_class == ig1_mcu_pkg::ClassStore;

  assign instr_req_addr_o = (state_q == ig1_mcu_pkg::StFetch) ? pc_q : pc_plus4;

  // Set and clear with rs1 = x0 (or a zero immediate, same field) do not write.
  assign csr_src   = instr[14] ? {27'd0, instr[19:15]} : rs1;
  assign csr_write = instr[13:12] == 2'b01 || instr[19:15] != 5'd0;

  ig1_mcu_csr #(
    .HartId (HartId)
  ) u_csr (
    .clk_i         (clk_i),
    .rst_ni        (rst_ni),
    .addr_i        (instr[31:20]),
    .op_i          (instr[13:12]),
    .src_i         (csr_src),
    .write_i       (csr_write),
    .commit_i      (csr_commit),
    .rdata_o       (csr_rdata),
    .illegal_o     (csr_illegal),
    .retire_i      (retire),
    .mret_i        (mret),
    .trap_i        (trap_enter),
    .trap_cause_i  (trap_cause),
    .trap_pc_i     (pc_q[31:2]),
    .trap_tval_i   (trap_tval),
    .irq_ext_i     (irq_ext_i),
    .irq_timer_i   (irq_timer_i),
    .irq_pending_o (irq_pending),
    .irq_take_o    (irq_take),
    .irq_cause_o   (irq_cause),
    .mtvec_o       (mtvec),
    .mtvec_set_o   (mtvec_set),
    .mepc_o        (mepc)
  );

  always_comb begin
    state_next = state_q;
    pc_d       = pc_q;
    ir_d       = ir_q;
    rf_we      = 1'b0;
    rf_wdata   = alu_result;
    next       = 1'b0;
    redirect   = 1'b0;
    trap       = 1'b0;
    trap_cause = ig1_mcu_pkg::CauseIllegal;
    trap_tval  = 32'd0;
    mret       = 1'b0;
    csr_commit = 1'b0;
    md_start   = 1'b0;

    unique case (state_q)
      ig1_mcu_pkg::StReset: state_next = ig1_mcu_pkg::StFetch;

      ig1_mcu_pkg::StExec: if (instr_rsp_valid_i) begin
        ir_d = instr_rsp_rdata_i;
        if (irq_take) begin
          trap       = 1'b1;
          trap_cause = irq_cause;
        end else if (instr_rsp_err_i) begin
          trap       = 1'b1;
          trap_cause = ig1_mcu_pkg::CauseInstrFault;
          trap_tval  = pc_q;
        end else begin
          unique case (instr_class)
            ig1_mcu_pkg::ClassAlu: begin
              rf_we = 1'b1;
              next  = 1'b1;
            end
            ig1_mcu_pkg::ClassJump,
            ig1_mcu_pkg::ClassBranch: begin
              if (!taken) begin
                next = 1'b1;
              end else if (target[1]) begin
                trap       = 1'b1;
                trap_cause = ig1_mcu_pkg::CauseInstrMisaligned;
                trap_tval  = target;
              end else begin
                rf_we      = instr_class == ig1_mcu_pkg::ClassJump;
                rf_wdata   = pc_plus4;
                redirect   = 1'b1;
                pc_d       = target;
                state_next = ig1_mcu_pkg::StFetch;
              end
            end
            ig1_mcu_pkg::ClassLoad,
            ig1_mcu_pkg::ClassStore: state_next = ig1_mcu_pkg::StMemReq;
            ig1_mcu_pkg::ClassMulDiv: begin
              md_start   = 1'b1;
              state_next = ig1_mcu_pkg::StMulDiv;
            end
            ig1_mcu_pkg::ClassCsr: begin
              if (csr_illegal) begin
                trap      = 1'b1;
                trap_tval = instr;
              end else begin
                csr_commit = 1'b1;
                rf_we      = 1'b1;
                rf_wdata   = csr_rdata;
                next       = 1'b1;
              end
            end
            ig1_mcu_pkg::ClassNop: next = 1'b1;
            ig1_mcu_pkg::ClassEcall: begin
              trap       = 1'b1;
              trap_cause = ig1_mcu_pkg::CauseEcallM;
            end
            ig1_mcu_pkg::ClassEbreak: begin
              trap       = 1'b1;
              trap_cause = ig1_mcu_pkg::CauseBreakpoint;
              trap_tval  = pc_q;
            end
            ig1_mcu_pkg::ClassMret: begin
              mret       = 1'b1;
              redirect   = 1'b1;
              pc_d       = mepc;
              state_next = ig1_mcu_pkg::StFetch;
            end
            ig1_mcu_pkg::ClassWfi: begin
              redirect   = 1'b1;
              pc_d       = pc_plus4;
              state_next = ig1_mcu_pkg::StSleep;
            end
            default: begin
              trap      = 1'b1;
              trap_tval = instr;
            end
          endcase
        end
      end

      ig1_mcu_pkg::StMemReq: if (mem_misaligned) begin
        trap       = 1'b1;
        trap_cause = data_req_we_o ? ig1_mcu_pkg::CauseStoreMisaligned
                                   : ig1_mcu_pkg::CauseLoadMisaligned;
        trap_tval  = alu_result;
      end

      ig1_mcu_pkg::StMemRsp: if (data_rsp_valid_i) begin
        if (data_rsp_err_i) begin
          trap       = 1'b1;
          trap_cause = data_req_we_o ? ig1_mcu_pkg::CauseStoreFault
                                     : ig1_mcu_pkg::CauseLoadFault;
          trap_tval  = alu_result;
        end else begin
          rf_we    = !data_req_we_o;
          rf_wdata = load_data;
          next     = 1'b1;
        end
      end

      ig1_mcu_pkg::StMulDiv: if (md_done) begin
        rf_we    = 1'b1;
        rf_wdata = md_result;
        next     = 1'b1;
      end

      ig1_mcu_pkg::StSleep: if (irq_pending) state_next = ig1_mcu_pkg::StFetch;

      default: ;  // StFetch waits for the request to be taken, StLockup for reset
    endcase

    if (next) pc_d = pc_plus4;
    if (trap) pc_d = mtvec;
  end

  assign retire            = next || redirect;
  assign instr_req_valid_o = next || state_q == ig1_mcu_pkg::StFetch;
  assign data_req_valid_o  = state_q == ig1_mcu_pkg::StMemReq && !mem_misaligned;
  // A trap without a handler does not overwrite the cause of the one before.
  assign trap_enter        = trap && mtvec_set && !trap_fresh_q;
  assign trap_fresh_d      = trap || (trap_fresh_q && !retire);

  // The ready inputs are read here only, so that a ready made from valid closes no loop through the
  // process above.
  always_comb begin
    state_d = state_next;
    if (instr_req_valid_o) begin
      state_d = instr_req_ready_i ? ig1_mcu_pkg::StExec : ig1_mcu_pkg::StFetch;
    end
    if (data_req_valid_o && data_req_ready_i) state_d = ig1_mcu_pkg::StMemRsp;
    if (trap) state_d = trap_enter ? ig1_mcu_pkg::StFetch : ig1_mcu_pkg::StLockup;
  end

  assign sleep_o  = state_q == ig1_mcu_pkg::StSleep && !irq_pending;
  assign lockup_o = state_q == ig1_mcu_pkg::StLockup;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q      <= ig1_mcu_pkg::StReset;
      pc_q         <= BootAddr;
      trap_fresh_q <= 1'b0;
    end else begin
      state_q      <= state_d;
      pc_q         <= pc_d;
      trap_fresh_q <= trap_fresh_d;
    end
  end

  always_ff @(posedge clk_i) begin
    ir_q <= ir_d;
  end

`ifndef SYNTHESIS
  logic in_reset;
  assign in_reset = !rst_ni;

  logic instr_wait_q, data_wait_q;  // a response is outstanding

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      instr_wait_q <= 1'b0;
      data_wait_q  <= 1'b0;
    end else begin
      instr_wait_q <= (instr_req_valid_o && instr_req_ready_i) ||
                      (instr_wait_q && !instr_rsp_valid_i);
      data_wait_q  <= (data_req_valid_o && data_req_ready_i) || (data_wait_q && !data_rsp_valid_i);
    end
  end

  InstrReqStable_A: assert property (@(posedge clk_i) disable iff (in_reset)
    instr_req_valid_o && !instr_req_ready_i |=>
    instr_req_valid_o && $stable(instr_req_addr_o)) else $error("fetch request not held");
  DataReqStable_A: assert property (@(posedge clk_i) disable iff (in_reset)
    data_req_valid_o && !data_req_ready_i |=>
    data_req_valid_o && $stable({data_req_addr_o, data_req_we_o, data_req_be_o, data_req_wdata_o}))
    else $error("data request not held");
  InstrRspExpected_A: assert property (@(posedge clk_i) disable iff (in_reset)
    instr_rsp_valid_i |-> instr_wait_q) else $error("fetch response without request");
  DataRspExpected_A: assert property (@(posedge clk_i) disable iff (in_reset)
    data_rsp_valid_i |-> data_wait_q) else $error("data response without request");
  OneInFlight_A: assert property (@(posedge clk_i) disable iff (in_reset)
    !(data_req_valid_o && (instr_req_valid_o || instr_wait_q)) && !(data_wait_q && instr_wait_q))
    else $error("fetch and data access in flight together");
  PcAligned_A: assert property (@(posedge clk_i) disable iff (in_reset)
    pc_q[1:0] == 2'b00) else $error("program counter misaligned");
  RetireOrTrap_A: assert property (@(posedge clk_i) disable iff (in_reset)
    !(trap && (retire || rf_we || csr_commit))) else $error("trapping instruction has effects");
  LockupStays_A: assert property (@(posedge clk_i) disable iff (in_reset)
    lockup_o |=> lockup_o) else $error("left lockup without reset");
  SleepQuiet_A: assert property (@(posedge clk_i) disable iff (in_reset)
    sleep_o |-> !instr_wait_q && !data_wait_q) else $error("asleep with an access in flight");
`endif

endmodule
