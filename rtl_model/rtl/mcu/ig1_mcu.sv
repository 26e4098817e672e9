// SPDX-License-Identifier: MIT
//
// Management microcontroller: core, program and data SRAM, machine timer, peripheral bus port and
// the host's load port.
//
// Memory map: SRAM from 0 (SramBytes), timer 0x0200_4000 (mtimecmp) and 0x0200_bff8 (mtime),
// peripherals from 0x4000_0000 to the end. Everything else is an access fault, and so is a fetch
// outside the SRAM. Execution starts at 0.
//
// core_rst_ni resets the core alone: the SRAM and the timer keep their state, and the load port can
// reach the SRAM. It must be low for at least one clock edge. Peripheral accesses in flight at that
// moment complete on the bus and are forgotten.
//
// clk_i may be stopped while sleep_o is high and core_rst_ni is too; sleep_o then falls
// combinationally with the interrupt. clk_timer_i is the same clock without the gate. Both may be
// tied together.
//
// Peripheral bus: valid and ready transfer a request; exactly one response follows, at least one
// cycle later; the next request comes after it. Addresses have byte granularity, be and wdata are
// aligned to the word. Host port: see ig1_mcu_bus.

module ig1_mcu #(
  parameter int unsigned SramBytes = 65536,
  parameter logic [31:0] HartId    = 32'd0
) (
  input  logic        clk_i,
  input  logic        clk_timer_i,
  input  logic        rst_ni,
  input  logic        core_rst_ni,

  input  logic        load_valid_i,
  output logic        load_ready_o,
  input  logic        load_we_i,
  input  logic [31:0] load_addr_i,
  input  logic [31:0] load_wdata_i,
  output logic [31:0] load_rdata_o,

  output logic        periph_req_valid_o,
  input  logic        periph_req_ready_i,
  output logic [31:0] periph_req_addr_o,
  output logic        periph_req_we_o,
  output logic [3:0]  periph_req_be_o,
  output logic [31:0] periph_req_wdata_o,
  input  logic        periph_rsp_valid_i,
  input  logic [31:0] periph_rsp_rdata_i,
  input  logic        periph_rsp_err_i,

  input  logic        irq_i,
  output logic        sleep_o,
  output logic        lockup_o
);

  localparam int unsigned SramWords     = SramBytes / 4;
  localparam int unsigned SramAddrWidth = $clog2(SramWords);

  logic        core_rst_n;
  logic        core_sleep;
  logic        periph_busy;
  logic        irq_timer;

  logic        instr_req_valid, instr_req_ready, instr_rsp_valid, instr_rsp_err;
  logic [31:0] instr_req_addr, instr_rsp_rdata;
  logic        data_req_valid, data_req_ready, data_req_we, data_rsp_valid, data_rsp_err;
  logic [31:0] data_req_addr, data_req_wdata, data_rsp_rdata;
  logic [3:0]  data_req_be;

  logic        timer_req_valid, timer_rsp_valid, timer_rsp_err;
  logic [31:0] timer_rsp_rdata;

  logic                     sram_req, sram_we;
  logic [3:0]               sram_be;
  logic [SramAddrWidth-1:0] sram_addr;
  logic [31:0]              sram_wdata, sram_rdata;

  assign core_rst_n = rst_ni && core_rst_ni;

  ig1_mcu_core #(
    .BootAddr (32'h0000_0000),
    .HartId   (HartId)
  ) u_core (
    .clk_i             (clk_i),
    .rst_ni            (core_rst_n),
    .instr_req_valid_o (instr_req_valid),
    .instr_req_ready_i (instr_req_ready),
    .instr_req_addr_o  (instr_req_addr),
    .instr_rsp_valid_i (instr_rsp_valid),
    .instr_rsp_rdata_i (instr_rsp_rdata),
    .instr_rsp_err_i   (instr_rsp_err),
    .data_req_valid_o  (data_req_valid),
    .data_req_ready_i  (data_req_ready),
    .data_req_addr_o   (data_req_addr),
    .data_req_we_o     (data_req_we),
    .data_req_be_o     (data_req_be),
    .data_req_wdata_o  (data_req_wdata),
    .data_rsp_valid_i  (data_rsp_valid),
    .data_rsp_rdata_i  (data_rsp_rdata),
    .data_rsp_err_i    (data_rsp_err),
    .irq_ext_i         (irq_i),
    .irq_timer_i       (irq_timer),
    .sleep_o           (core_sleep),
    .lockup_o          (lockup_o)
  );

  ig1_mcu_bus #(
    .SramBytes (SramBytes)
  ) u_bus (
    .clk_i              (clk_i),
    .rst_ni             (rst_ni),
    .core_rst_ni        (core_rst_n),
    .instr_req_valid_i  (instr_req_valid),
    .instr_req_ready_o  (instr_req_ready),
    .instr_req_addr_i   (instr_req_addr),
    .instr_rsp_valid_o  (instr_rsp_valid),
    .instr_rsp_rdata_o  (instr_rsp_rdata),
    .instr_rsp_err_o    (instr_rsp_err),
    .data_req_valid_i   (data_req_valid),
    .data_req_ready_o   (data_req_ready),
    .data_req_addr_i    (data_req_addr),
    .data_req_we_i      (data_req_we),
    .data_req_be_i      (data_req_be),
    .data_req_wdata_i   (data_req_wdata),
    .data_rsp_valid_o   (data_rsp_valid),
    .data_rsp_rdata_o   (data_rsp_rdata),
    .data_rsp_err_o     (data_rsp_err),
    .load_valid_i       (load_valid_i),
    .load_ready_o       (load_ready_o),
    .load_we_i          (load_we_i),
    .load_addr_i        (load_addr_i),
    .load_wdata_i       (load_wdata_i),
    .load_rdata_o       (load_rdata_o),
    .sram_req_o         (sram_req),
    .sram_we_o          (sram_we),
    .sram_be_o          (sram_be),
    .sram_addr_o        (sram_addr),
    .sram_wdata_o       (sram_wdata),
    .sram_rdata_i       (sram_rdata),
    .timer_req_valid_o  (timer_req_valid),
    .timer_rsp_valid_i  (timer_rsp_valid),
    .timer_rsp_rdata_i  (timer_rsp_rdata),
    .timer_rsp_err_i    (timer_rsp_err),
    .periph_req_valid_o (periph_req_valid_o),
    .periph_req_ready_i (periph_req_ready_i),
    .periph_rsp_valid_i (periph_rsp_valid_i),
    .periph_rsp_rdata_i (periph_rsp_rdata_i),
    .periph_rsp_err_i   (periph_rsp_err_i),
    .periph_busy_o      (periph_busy)
  );

  prim_ram_1rw #(
    .Depth (SramWords),
    .Width (32)
  ) u_sram (
    .clk_i   (clk_i),
    .req_i   (sram_req),
    .we_i    (sram_we),
    .be_i    (sram_be),
    .addr_i  (sram_addr),
    .wdata_i (sram_wdata),
    .rdata_o (sram_rdata)
  );

  ig1_mcu_timer u_timer (
    .clk_i       (clk_timer_i),
    .rst_ni      (rst_ni),
    .req_valid_i (timer_req_valid),
    .req_addr_i  (data_req_addr[15:2]),
    .req_we_i    (data_req_we),
    .req_be_i    (data_req_be),
    .req_wdata_i (data_req_wdata),
    .rsp_valid_o (timer_rsp_valid),
    .rsp_rdata_o (timer_rsp_rdata),
    .rsp_err_o   (timer_rsp_err),
    .irq_o       (irq_timer)
  );

  assign periph_req_addr_o  = data_req_addr;
  assign periph_req_we_o    = data_req_we;
  assign periph_req_be_o    = data_req_be;
  assign periph_req_wdata_o = data_req_wdata;

  // The clock must run to see a forgotten access end.
  assign sleep_o = core_sleep && !periph_busy;

`ifndef SYNTHESIS
  logic in_reset;
  assign in_reset = !core_rst_n;

  PeriphReqStable_A: assert property (@(posedge clk_i) disable iff (in_reset)
    periph_req_valid_o && !periph_req_ready_i |=> periph_req_valid_o &&
    $stable({periph_req_addr_o, periph_req_we_o, periph_req_be_o, periph_req_wdata_o}))
    else $error("peripheral request not held");
`endif

endmodule
