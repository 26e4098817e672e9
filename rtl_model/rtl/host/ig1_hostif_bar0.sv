// SPDX-License-Identifier: MIT
// BAR0: the registers that the host sees (chip.toml, regblock bar0) and the window on the device
// tree. An access is decoded when b_valid_i rises and answered from registers one cycle later, a
// read of the window or of the MCU's SRAM when its data is there.
//
// Reset: CONTROL.RESET drives soft_rst_no low for at least ResetCycles and until the host bus is
// idle. The registers here survive it.

module ig1_hostif_bar0 #(
    parameter int unsigned ResetCycles = 8
) (
    input  logic                            clk_i,
    input  logic                            rst_ni,
    // BAR0
    input  logic                            b_valid_i,
    input  logic                            b_we_i,
    /* verilator lint_off UNUSEDSIGNAL */
    input  logic [                    16:0] b_addr_i,       // bits 1:0 ignored
    /* verilator lint_on UNUSEDSIGNAL */
    input  logic [                    31:0] b_wdata_i,
    output logic                            b_ready_o,
    output logic [                    31:0] b_rdata_o,
    output logic [ig1_pkg::Vectors-1:0]     irq_o,
    // chip
    output logic                            soft_rst_no,
    output logic                            mcu_run_o,
    input  logic                            mcu_lockup_i,
    input  logic                            job_busy_i,
    input  logic                            host_idle_i,
    // MCU registers
    output ig1_hostif_pkg::to_mcu_t         to_mcu_o,
    input  ig1_hostif_pkg::to_host_t        to_host_i,
    output logic                            mbox_bell_o,
    output logic                            bell_o,         // queue bell_num_o: new tail bell_tail_o
    output logic [                     3:0] bell_num_o,
    output logic [                    31:0] bell_tail_o,
    input  logic [ig1_pkg::Vectors-1:0]     raise_i,
    // MCU SRAM, see ig1_mcu_bus
    output logic                            load_valid_o,
    input  logic                            load_ready_i,
    output logic                            load_we_o,
    output logic [                    31:0] load_addr_o,
    output logic [                    31:0] load_wdata_o,
    input  logic [                    31:0] load_rdata_i,
    // device tree
    output logic                            fdt_rd_o,
    output logic [                    15:0] fdt_addr_o,
    input  logic [                    31:0] fdt_data_i,
    input  logic [                    31:0] fdt_bytes_i
);
  localparam int unsigned CountW = $clog2(ResetCycles + 1);
  localparam int unsigned V = ig1_pkg::Vectors;

  typedef enum logic [1:0] {
    StIdle,
    StLoad,
    StFdt,
    StDone
  } state_e;

  state_e state_q, state_d;
  logic [31:0] rdata_q, rdata_d;
  logic [31:0] load_addr_q, load_addr_d;
  logic mcu_run_q, mcu_run_d, in_rst_q, in_rst_d;
  logic [CountW-1:0] rst_count_q, rst_count_d;
  logic [V-1:0] irq_status_q, irq_status_d, irq_enable_q, irq_enable_d, irq_q, irq_d;
  logic [63:0] cycles_q;
  logic [31:0] cycles_high_q, cycles_high_d;
  ig1_hostif_pkg::to_mcu_t to_mcu_q, to_mcu_d;

  logic [16:0] addr;
  logic [1:0] sub;
  logic access, write, window, read_low;
  assign addr = {b_addr_i[16:2], 2'b00};
  assign sub = addr[3:2];
  assign access = state_q == StIdle && b_valid_i;
  assign window = addr[16];
  assign write = access && b_we_i && !window;
  assign read_low = access && !b_we_i && addr == ig1_pkg::Bar0Cycles;

  // ---------------------------------------------------------------- reads
  logic [31:0] value;
  always_comb begin
    value = '0;
    if (access) begin
      case (addr)
        ig1_pkg::Bar0Id: value = ig1_pkg::ChipId;
        ig1_pkg::Bar0Spec: value = ig1_pkg::SpecVersion;
        ig1_pkg::Bar0Status: begin
          value[ig1_pkg::Bar0StatusMcuRunBit] = mcu_run_o;
          value[ig1_pkg::Bar0StatusMcuLockupBit] = mcu_lockup_i;
          value[ig1_pkg::Bar0StatusBusyBit] = job_busy_i;
        end
        ig1_pkg::Bar0Control: begin
          value[ig1_pkg::Bar0ControlMcuRunBit] = mcu_run_q;
          value[ig1_pkg::Bar0ControlResetBit]  = in_rst_q;
        end
        ig1_pkg::Bar0FdtSize: value = fdt_bytes_i;
        ig1_pkg::Bar0LoadAddr: value = load_addr_q;
        ig1_pkg::Bar0FwState: value = to_host_i.fw_state;
        ig1_pkg::Bar0FwError: value = to_host_i.fw_error;
        ig1_pkg::Bar0FwAbi: value = to_host_i.fw_abi;
        ig1_pkg::Bar0FwVersion: value = to_host_i.fw_version;
        ig1_pkg::Bar0IrqStatus: value = 32'(irq_status_q);
        ig1_pkg::Bar0IrqEnable: value = 32'(irq_enable_q);
        ig1_pkg::Bar0MboxCmd: value = to_mcu_q.mbox_cmd;
        ig1_pkg::Bar0MboxSeq: value = to_mcu_q.mbox_seq;
        ig1_pkg::Bar0MboxDone: value = to_host_i.mbox_done;
        ig1_pkg::Bar0MboxRet: value = to_host_i.mbox_ret;
        ig1_pkg::Bar0MboxVal: value = to_host_i.mbox_val;
        ig1_pkg::Bar0Cycles: value = cycles_q[31:0];
        ig1_pkg::Bar0Cycles + 17'd4: value = cycles_high_q;
        default: begin
          if (addr[16:4] == ig1_pkg::Bar0MboxArg[16:4]) value = to_mcu_q.mbox_arg[sub];
          if (addr[16:4] == ig1_pkg::Bar0MboxOut[16:4]) value = to_host_i.mbox_out[sub];
        end
      endcase
    end
  end

  // ---------------------------------------------------------------- access
  // While the MCU runs, its SRAM is its own: LOAD_DATA reads zero and drops writes.
  logic load_access;
  assign load_access  = addr == ig1_pkg::Bar0LoadData && !window && !mcu_run_q && !in_rst_q;
  assign load_valid_o = state_q == StLoad;
  assign load_we_o    = b_we_i;
  assign load_addr_o  = load_addr_q;
  assign load_wdata_o = b_wdata_i;
  assign fdt_rd_o     = access && window;
  assign fdt_addr_o   = addr[15:0];

  always_comb begin
    state_d = state_q;
    rdata_d = rdata_q;
    load_addr_d = load_addr_q;
    unique case (state_q)
      StIdle: begin
        if (b_valid_i) begin
          rdata_d = value;
          state_d = window ? StFdt : load_access ? StLoad : StDone;
        end
        if (write && addr == ig1_pkg::Bar0LoadAddr) load_addr_d = {b_wdata_i[31:2], 2'b00};
      end
      StLoad: begin
        if (load_ready_i) begin
          rdata_d = load_rdata_i;
          load_addr_d = load_addr_q + 32'd4;
          state_d = StDone;
        end
      end
      StFdt: begin
        rdata_d = fdt_data_i;
        state_d = StDone;
      end
      StDone: state_d = StIdle;
      default: state_d = StIdle;
    endcase
  end
  assign b_ready_o = state_q == StDone;
  assign b_rdata_o = rdata_q;

  // ---------------------------------------------------------------- mailbox and doorbells
  always_comb begin
    to_mcu_d = to_mcu_q;
    if (write) begin
      if (addr == ig1_pkg::Bar0MboxCmd) to_mcu_d.mbox_cmd = b_wdata_i;
      if (addr == ig1_pkg::Bar0MboxSeq) to_mcu_d.mbox_seq = b_wdata_i;
      if (addr[16:4] == ig1_pkg::Bar0MboxArg[16:4]) to_mcu_d.mbox_arg[sub] = b_wdata_i;
    end
  end
  assign to_mcu_o = to_mcu_q;
  assign mbox_bell_o = write && addr == ig1_pkg::Bar0MboxDoorbell;
  assign bell_o = write && addr[16:6] == ig1_pkg::Bar0Doorbell[16:6];
  assign bell_num_o = addr[5:2];
  assign bell_tail_o = b_wdata_i;

  // ---------------------------------------------------------------- interrupts
  // A vector pulses when it is raised while enabled, or enabled while its status bit stands.
  always_comb begin
    irq_status_d = irq_status_q;
    irq_enable_d = irq_enable_q;
    if (write && addr == ig1_pkg::Bar0IrqStatus) irq_status_d = irq_status_q & ~b_wdata_i[V-1:0];
    if (write && addr == ig1_pkg::Bar0IrqEnable) irq_enable_d = b_wdata_i[V-1:0];
    irq_status_d |= raise_i;
    irq_d = (raise_i & irq_enable_d) | (irq_status_d & irq_enable_d & ~irq_enable_q);
  end
  assign irq_o = irq_q;

  // ---------------------------------------------------------------- reset
  always_comb begin
    mcu_run_d = mcu_run_q;
    in_rst_d = in_rst_q;
    rst_count_d = rst_count_q;
    if (in_rst_q) begin
      if (rst_count_q != '0) rst_count_d = rst_count_q - CountW'(1);
      else if (host_idle_i) in_rst_d = 1'b0;
    end
    if (write && addr == ig1_pkg::Bar0Control) begin
      mcu_run_d = b_wdata_i[ig1_pkg::Bar0ControlMcuRunBit];
      if (b_wdata_i[ig1_pkg::Bar0ControlResetBit]) begin
        in_rst_d = 1'b1;
        rst_count_d = CountW'(ResetCycles);
      end
    end
  end
  assign soft_rst_no = !in_rst_q && rst_ni;
  assign mcu_run_o = mcu_run_q && !in_rst_q;
  assign cycles_high_d = read_low ? cycles_q[63:32] : cycles_high_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q <= StIdle;
      load_addr_q <= '0;
      mcu_run_q <= 1'b0;
      in_rst_q <= 1'b0;
      rst_count_q <= '0;
      irq_status_q <= '0;
      irq_enable_q <= '0;
      irq_q <= '0;
      cycles_q <= '0;
      cycles_high_q <= '0;
      to_mcu_q <= '0;
    end else begin
      state_q <= state_d;
      load_addr_q <= load_addr_d;
      mcu_run_q <= mcu_run_d;
      in_rst_q <= in_rst_d;
      rst_count_q <= rst_count_d;
      irq_status_q <= irq_status_d;
      irq_enable_q <= irq_enable_d;
      irq_q <= irq_d;
      cycles_q <= cycles_q + 64'd1;
      cycles_high_q <= cycles_high_d;
      to_mcu_q <= to_mcu_d;
    end
  end

  always_ff @(posedge clk_i) rdata_q <= rdata_d;

`ifndef SYNTHESIS
  AccessHeld :
  assert property (@(posedge clk_i) disable iff (!rst_ni) b_valid_i && !b_ready_o |=>
      b_valid_i && $stable({b_we_i, b_addr_i, b_wdata_i}));
`endif
endmodule
