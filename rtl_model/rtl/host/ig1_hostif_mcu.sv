// SPDX-License-Identifier: MIT
// MCU peripherals (chip.toml, regblock mcu) and the MCU's window on the device tree. A request is
// taken when no other is being answered; registers answer in the next cycle, memories when their
// data is there. Accesses to no register of the block read zero; those outside the block and the
// window, and writes of less than a word, are bus errors. Job parameters are taken over at the
// launch, so that the firmware can prepare the next job while one runs.

module ig1_hostif_mcu #(
    parameter logic [63:0] SramBytes = 64'h1000000
) (
    input  logic                          clk_i,
    input  logic                          rst_ni,
    // MCU peripheral bus
    input  logic                          req_valid_i,
    output logic                          req_ready_o,
    /* verilator lint_off UNUSEDSIGNAL */
    input  logic [                  31:0] req_addr_i,        // bits 1:0 ignored
    /* verilator lint_on UNUSEDSIGNAL */
    input  logic                          req_we_i,
    input  logic [                   3:0] req_be_i,
    input  logic [                  31:0] req_wdata_i,
    output logic                          rsp_valid_o,
    output logic [                  31:0] rsp_rdata_o,
    output logic                          rsp_err_o,
    output logic                          irq_o,
    // host registers
    input  ig1_hostif_pkg::to_mcu_t       to_mcu_i,
    output ig1_hostif_pkg::to_host_t      to_host_o,
    input  logic                          mbox_bell_i,
    input  logic                          bell_i,
    input  logic [                   3:0] bell_num_i,
    input  logic [                  31:0] bell_tail_i,
    output logic [ig1_pkg::Vectors-1:0]   raise_o,
    // copy engine
    output logic                          copy_start_o,
    output ig1_hostif_pkg::copy_t         copy_o,
    input  logic                          copy_busy_i,
    input  logic                          copy_done_i,
    input  logic                          copy_error_i,
    // resident SRAM test reads, through the copy engine's port
    output logic                          test_valid_o,
    output logic                          test_we_o,
    output logic [                  31:0] test_wdata_o,
    output logic [                  31:0] test_addr_o,
    input  logic                          test_done_i,
    input  logic [                  31:0] test_data_i,
    // weight ROM test reads
    output logic                          rom_rd_o,
    output logic [                  39:0] rom_addr_o,
    input  logic [                  31:0] rom_data_i,
    // device tree
    output logic                          fdt_rd_o,
    output logic [                  15:0] fdt_addr_o,
    input  logic [                  31:0] fdt_data_i,
    input  logic [                  31:0] fdt_bytes_i,
    // sequencer
    output logic                          launch_o,
    output logic                          clear_o,
    output logic                          abort_o,
    output ig1_hostif_pkg::launch_t       job_o,
    input  logic                          job_busy_i,
    input  logic                          job_done_i,
    input  logic [                   7:0] job_fault_i,
    input  logic [                  63:0] job_fault_addr_i,
    input  logic [                  31:0] job_fault_index_i,
    input  logic [                  31:0] job_emitted_i,
    input  logic [                  31:0] job_traced_i,
    input  logic [2*ig1_pkg::Counters-1:0][31:0] counters_i
);
  localparam int unsigned Bells = ig1_pkg::McuDoorbellCount;

  typedef enum logic [2:0] {
    StIdle,
    StReg,
    StFdt,
    StRom,
    StSram
  } state_e;

  state_e state_q, state_d;
  logic [31:0] value_q, value_d;
  logic err_q, err_d;

  // The data registers below are written by enables, not through a next state: they are many, and
  // almost never written.
  ig1_hostif_pkg::to_host_t to_host_q;
  ig1_hostif_pkg::launch_t job_q;   // as the firmware writes it
  ig1_hostif_pkg::launch_t live_q;  // of the running job
  ig1_hostif_pkg::copy_t copy_q;
  logic [Bells-1:0][31:0] bell_tail_q;
  logic [Bells-1:0] bell_mask_q, bell_mask_d;
  logic [3:0] pending_q, pending_d, irq_mask_q;
  logic [63:0] rom_addr_q;
  logic [31:0] sram_addr_q;
  logic test_we_q;
  logic [31:0] test_wdata_q;
  logic launch_q, launch_d, clear_q, clear_d, abort_q, abort_d;
  logic copy_start_q, copy_start_d;
  logic [ig1_pkg::Vectors-1:0] raise_q, raise_d;

  // ---------------------------------------------------------------- decoding
  logic accept, in_regs, in_fdt, write, read, sub_word;
  logic [11:0] reg_addr;
  logic [31:0] wdata;
  assign accept = req_valid_i && req_ready_o;
  assign in_regs = req_addr_i[31:12] == ig1_pkg::McuBase[31:12];
  assign in_fdt = req_addr_i[31:16] == ig1_pkg::McuFdtWindow[31:16];
  assign reg_addr = {req_addr_i[11:2], 2'b00};
  assign sub_word = req_we_i && req_be_i != 4'b1111;
  assign write = accept && req_we_i && in_regs && !sub_word;
  assign read = accept && !req_we_i && in_regs;
  assign wdata = req_wdata_i;

  logic sram_in_range;
  assign sram_in_range = 64'(sram_addr_q) < SramBytes;

  always_comb begin
    value_d = '0;
    if (read) begin
      case (reg_addr)
        ig1_pkg::McuIrqPending: value_d = 32'(pending_q);
        ig1_pkg::McuIrqMask: value_d = 32'(irq_mask_q);
        ig1_pkg::McuFwState: value_d = to_host_q.fw_state;
        ig1_pkg::McuFwError: value_d = to_host_q.fw_error;
        ig1_pkg::McuFwAbi: value_d = to_host_q.fw_abi;
        ig1_pkg::McuFwVersion: value_d = to_host_q.fw_version;
        ig1_pkg::McuMboxCmd: value_d = to_mcu_i.mbox_cmd;
        ig1_pkg::McuMboxSeq: value_d = to_mcu_i.mbox_seq;
        ig1_pkg::McuMboxDone: value_d = to_host_q.mbox_done;
        ig1_pkg::McuMboxRet: value_d = to_host_q.mbox_ret;
        ig1_pkg::McuMboxVal: value_d = to_host_q.mbox_val;
        ig1_pkg::McuDoorbellMask: value_d = 32'(bell_mask_q);
        ig1_pkg::McuCopyHost: value_d = copy_q.host[31:0];
        ig1_pkg::McuCopyHost + 12'd4: value_d = copy_q.host[63:32];
        ig1_pkg::McuCopyLocal: value_d = copy_q.local_addr;
        ig1_pkg::McuCopyBytes: value_d = copy_q.bytes;
        ig1_pkg::McuCopyStatus: begin
          value_d[ig1_pkg::McuCopyStatusBusyBit]  = copy_busy_i || copy_start_q;
          value_d[ig1_pkg::McuCopyStatusErrorBit] = copy_error_i && !copy_start_q;
        end
        ig1_pkg::McuSeqPtRoot: value_d = job_q.pt_root[31:0];
        ig1_pkg::McuSeqPtRoot + 12'd4: value_d = job_q.pt_root[63:32];
        ig1_pkg::McuSeqProg: value_d = job_q.prog_va[31:0];
        ig1_pkg::McuSeqProg + 12'd4: value_d = job_q.prog_va[63:32];
        ig1_pkg::McuSeqProgLen: value_d = job_q.prog_len;
        ig1_pkg::McuSeqEmitEntries: value_d = job_q.emit_entries;
        ig1_pkg::McuSeqEmit: value_d = job_q.emit_va[31:0];
        ig1_pkg::McuSeqEmit + 12'd4: value_d = job_q.emit_va[63:32];
        ig1_pkg::McuSeqTrace: value_d = job_q.trace_va[31:0];
        ig1_pkg::McuSeqTrace + 12'd4: value_d = job_q.trace_va[63:32];
        ig1_pkg::McuSeqTraceEntries: value_d = job_q.trace_entries;
        ig1_pkg::McuSeqWatchdog: value_d = job_q.watchdog[31:0];
        ig1_pkg::McuSeqWatchdog + 12'd4: value_d = job_q.watchdog[63:32];
        ig1_pkg::McuSeqStatus: begin
          value_d[ig1_pkg::McuSeqStatusBusyBit] = job_busy_i || launch_q;
          value_d[ig1_pkg::McuSeqStatusFaultBit] =
              !job_busy_i && !launch_q && job_fault_i != ig1_pkg::FaultNone;
        end
        ig1_pkg::McuSeqFault: value_d = 32'(job_fault_i);
        ig1_pkg::McuSeqFaultAddr: value_d = job_fault_addr_i[31:0];
        ig1_pkg::McuSeqFaultAddr + 12'd4: value_d = job_fault_addr_i[63:32];
        ig1_pkg::McuSeqFaultIndex: value_d = job_fault_index_i;
        ig1_pkg::McuSeqEmitted: value_d = job_emitted_i;
        ig1_pkg::McuSeqTraced: value_d = job_traced_i;
        ig1_pkg::McuFdtSize: value_d = fdt_bytes_i;
        ig1_pkg::McuRomTestAddr: value_d = rom_addr_q[31:0];
        ig1_pkg::McuRomTestAddr + 12'd4: value_d = rom_addr_q[63:32];
        ig1_pkg::McuSramTestAddr: value_d = sram_addr_q;
        default: begin
          if (reg_addr[11:4] == ig1_pkg::McuMboxArg[11:4])
            value_d = to_mcu_i.mbox_arg[reg_addr[3:2]];
          if (reg_addr[11:4] == ig1_pkg::McuMboxOut[11:4])
            value_d = to_host_q.mbox_out[reg_addr[3:2]];
          if (reg_addr[11:6] == ig1_pkg::McuDoorbell[11:6]) value_d = bell_tail_q[reg_addr[5:2]];
          if (reg_addr[11:6] == ig1_pkg::McuSeqArgs[11:6])
            value_d = reg_addr[2] ? job_q.args[reg_addr[5:3]][63:32] : job_q.args[reg_addr[5:3]][31:0];
          if (reg_addr[11:7] == ig1_pkg::McuCounters[11:7] &&
              32'(reg_addr[6:2]) < 2 * ig1_pkg::Counters)
            value_d = counters_i[reg_addr[6:2]];
        end
      endcase
    end
  end

  // ---------------------------------------------------------------- answers
  logic read_rom, read_sram, write_sram;
  assign read_rom = read && reg_addr == ig1_pkg::McuRomTestData;
  assign read_sram = read && reg_addr == ig1_pkg::McuSramTestData && sram_in_range;
  assign write_sram = write && reg_addr == ig1_pkg::McuSramTestData && sram_in_range;
  assign err_d = (!in_regs && !in_fdt) || sub_word;

  assign req_ready_o = state_q == StIdle;
  assign fdt_rd_o = accept && in_fdt;
  assign fdt_addr_o = {req_addr_i[15:2], 2'b00};
  assign rom_rd_o = read_rom;
  assign rom_addr_o = rom_addr_q[39:0];
  assign test_valid_o = state_q == StSram;
  assign test_addr_o = sram_addr_q;
  assign test_we_o = test_we_q;
  assign test_wdata_o = test_wdata_q;

  always_comb begin
    state_d = state_q;
    rsp_valid_o = 1'b0;
    rsp_rdata_o = value_q;
    unique case (state_q)
      StIdle: begin
        if (req_valid_i) begin
          state_d = StReg;
          if (in_fdt && !req_we_i) state_d = StFdt;
          if (read_rom) state_d = StRom;
          if (read_sram || write_sram) state_d = StSram;
        end
      end
      StReg: begin
        rsp_valid_o = 1'b1;
        state_d = StIdle;
      end
      StFdt: begin
        rsp_valid_o = 1'b1;
        rsp_rdata_o = fdt_data_i;
        state_d = StIdle;
      end
      StRom: begin
        rsp_valid_o = 1'b1;
        rsp_rdata_o = rom_addr_q[63:40] == '0 ? rom_data_i : 32'd0;
        state_d = StIdle;
      end
      StSram: begin
        rsp_valid_o = test_done_i;
        rsp_rdata_o = test_data_i;
        if (test_done_i) state_d = StIdle;
      end
      default: state_d = StIdle;
    endcase
  end
  assign rsp_err_o = err_q;

  // ---------------------------------------------------------------- events
  always_comb begin
    pending_d = pending_q;
    bell_mask_d = bell_mask_q;
    if (write && reg_addr == ig1_pkg::McuIrqPending) pending_d = pending_q & ~wdata[3:0];
    if (write && reg_addr == ig1_pkg::McuDoorbellMask) bell_mask_d = bell_mask_q & ~wdata[Bells-1:0];
    if (bell_i) begin
      pending_d[ig1_pkg::McuIrqPendingDoorbellBit] = 1'b1;
      bell_mask_d[bell_num_i] = 1'b1;
    end
    if (mbox_bell_i) pending_d[ig1_pkg::McuIrqPendingMboxBit] = 1'b1;
    if (job_done_i) pending_d[ig1_pkg::McuIrqPendingJobBit] = 1'b1;
    if (copy_done_i) pending_d[ig1_pkg::McuIrqPendingCopyBit] = 1'b1;

    raise_d = '0;
    if (write && reg_addr == ig1_pkg::McuHostIrq && wdata < 32'(ig1_pkg::Vectors))
      raise_d[wdata[$clog2(ig1_pkg::Vectors)-1:0]] = 1'b1;

    // a launch while a job runs, or a copy while one runs, is ignored
    launch_d = write && reg_addr == ig1_pkg::McuSeqGo && wdata[0] && !job_busy_i && !launch_q;
    clear_d = wdata[1];
    abort_d = write && reg_addr == ig1_pkg::McuSeqAbort;
    copy_start_d = write && reg_addr == ig1_pkg::McuCopyGo && wdata >= 32'd1 && wdata <= 32'd3 &&
        !copy_busy_i && !copy_start_q;
  end

  assign irq_o = |(pending_q & irq_mask_q);
  assign raise_o = raise_q;
  assign to_host_o = to_host_q;
  assign job_o = live_q;
  assign launch_o = launch_q;
  assign clear_o = clear_q;
  assign abort_o = abort_q;
  assign copy_o = copy_q;
  assign copy_start_o = copy_start_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q <= StIdle;
      pending_q <= '0;
      bell_mask_q <= '0;
      launch_q <= 1'b0;
      abort_q <= 1'b0;
      copy_start_q <= 1'b0;
      raise_q <= '0;
    end else begin
      state_q <= state_d;
      pending_q <= pending_d;
      bell_mask_q <= bell_mask_d;
      launch_q <= launch_d;
      abort_q <= abort_d;
      copy_start_q <= copy_start_d;
      raise_q <= raise_d;
    end
  end

  always_ff @(posedge clk_i) begin
    clear_q <= clear_d;
    if (launch_d) live_q <= job_q;
    if (accept) begin
      value_q <= value_d;
      err_q   <= err_d;
      test_we_q <= write_sram;
      test_wdata_q <= wdata;
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      to_host_q <= '0;
      job_q <= '0;
      copy_q <= '0;
      bell_tail_q <= '0;
      irq_mask_q <= '0;
      rom_addr_q <= '0;
      sram_addr_q <= '0;
    end else begin
      if (bell_i) bell_tail_q[bell_num_i] <= bell_tail_i;
      if (read_rom) rom_addr_q <= rom_addr_q + 64'd4;
      if (state_q == StSram && test_done_i) sram_addr_q <= sram_addr_q + 32'd4;
      if (write) begin
        case (reg_addr)
          ig1_pkg::McuIrqMask: irq_mask_q <= wdata[3:0];
          ig1_pkg::McuFwState: to_host_q.fw_state <= wdata;
          ig1_pkg::McuFwError: to_host_q.fw_error <= wdata;
          ig1_pkg::McuFwAbi: to_host_q.fw_abi <= wdata;
          ig1_pkg::McuFwVersion: to_host_q.fw_version <= wdata;
          ig1_pkg::McuMboxDone: to_host_q.mbox_done <= wdata;
          ig1_pkg::McuMboxRet: to_host_q.mbox_ret <= wdata;
          ig1_pkg::McuMboxVal: to_host_q.mbox_val <= wdata;
          ig1_pkg::McuCopyHost: copy_q.host[31:0] <= wdata;
          ig1_pkg::McuCopyHost + 12'd4: copy_q.host[63:32] <= wdata;
          ig1_pkg::McuCopyLocal: copy_q.local_addr <= wdata;
          ig1_pkg::McuCopyBytes: copy_q.bytes <= wdata;
          ig1_pkg::McuCopyGo: copy_q.what <= wdata[1:0];
          ig1_pkg::McuSeqPtRoot: job_q.pt_root[31:0] <= wdata;
          ig1_pkg::McuSeqPtRoot + 12'd4: job_q.pt_root[63:32] <= wdata;
          ig1_pkg::McuSeqProg: job_q.prog_va[31:0] <= wdata;
          ig1_pkg::McuSeqProg + 12'd4: job_q.prog_va[63:32] <= wdata;
          ig1_pkg::McuSeqProgLen: job_q.prog_len <= wdata;
          ig1_pkg::McuSeqEmitEntries: job_q.emit_entries <= wdata;
          ig1_pkg::McuSeqEmit: job_q.emit_va[31:0] <= wdata;
          ig1_pkg::McuSeqEmit + 12'd4: job_q.emit_va[63:32] <= wdata;
          ig1_pkg::McuSeqTrace: job_q.trace_va[31:0] <= wdata;
          ig1_pkg::McuSeqTrace + 12'd4: job_q.trace_va[63:32] <= wdata;
          ig1_pkg::McuSeqTraceEntries: job_q.trace_entries <= wdata;
          ig1_pkg::McuSeqWatchdog: job_q.watchdog[31:0] <= wdata;
          ig1_pkg::McuSeqWatchdog + 12'd4: job_q.watchdog[63:32] <= wdata;
          ig1_pkg::McuRomTestAddr: rom_addr_q[31:0] <= {wdata[31:2], 2'b00};
          ig1_pkg::McuRomTestAddr + 12'd4: rom_addr_q[63:32] <= wdata;
          ig1_pkg::McuSramTestAddr: sram_addr_q <= {wdata[31:2], 2'b00};
          default: begin
            if (reg_addr[11:4] == ig1_pkg::McuMboxOut[11:4])
              to_host_q.mbox_out[reg_addr[3:2]] <= wdata;
            if (reg_addr[11:6] == ig1_pkg::McuSeqArgs[11:6]) begin
              if (reg_addr[2]) job_q.args[reg_addr[5:3]][63:32] <= wdata;
              else job_q.args[reg_addr[5:3]][31:0] <= wdata;
            end
          end
        endcase
      end
    end
  end
endmodule
