// SPDX-License-Identifier: MIT
// Host interface: BAR0, the MCU's peripherals, the copy engine, the device-tree windows, interrupts
// and the soft reset.
//
// rst_ni is the hard reset. soft_rst_no resets everything that CONTROL.RESET resets, the MCU's side
// of this block included.

module ig1_hostif #(
    parameter int unsigned MemBytes = 128,
    parameter logic [63:0] SramBytes = 64'h1000000
) (
    input  logic                                 clk_i,
    input  logic                                 rst_ni,
    input  logic [                          7:0] chip_i,
    output logic                                 soft_rst_no,
    // BAR0
    input  logic                                 b_valid_i,
    input  logic                                 b_we_i,
    input  logic [                         16:0] b_addr_i,
    input  logic [                         31:0] b_wdata_i,
    output logic                                 b_ready_o,
    output logic [                         31:0] b_rdata_o,
    output logic [         ig1_pkg::Vectors-1:0] irq_o,
    // MCU
    output logic                                 mcu_rst_no,
    input  logic                                 mcu_lockup_i,
    output logic                                 mcu_irq_o,
    input  logic                                 periph_req_valid_i,
    output logic                                 periph_req_ready_o,
    input  logic [                         31:0] periph_req_addr_i,
    input  logic                                 periph_req_we_i,
    input  logic [                          3:0] periph_req_be_i,
    input  logic [                         31:0] periph_req_wdata_i,
    output logic                                 periph_rsp_valid_o,
    output logic [                         31:0] periph_rsp_rdata_o,
    output logic                                 periph_rsp_err_o,
    output logic                                 load_valid_o,
    input  logic                                 load_ready_i,
    output logic                                 load_we_o,
    output logic [                         31:0] load_addr_o,
    output logic [                         31:0] load_wdata_o,
    input  logic [                         31:0] load_rdata_i,
    // memory, physical
    output logic                                 req_valid_o,
    input  logic                                 req_ready_i,
    output logic                                 req_we_o,
    output logic                                 req_host_o,
    output logic [                         63:0] req_addr_o,
    output logic [                          7:0] req_bytes_o,
    output logic [               8*MemBytes-1:0] req_data_o,
    input  logic                                 rsp_valid_i,
    input  logic [               8*MemBytes-1:0] rsp_data_i,
    input  logic                                 rsp_err_i,
    input  logic                                 host_idle_i,
    output logic                                 copy_busy_o,
    // sequencer
    output logic                                 launch_o,
    output logic                                 clear_o,
    output logic                                 abort_o,
    output ig1_hostif_pkg::launch_t              job_o,
    output logic [                         63:0] rom_bytes_o,
    output logic [                         63:0] crom_bytes_o,
    input  logic                                 job_busy_i,
    input  logic                                 job_done_i,
    input  logic [                          7:0] job_fault_i,
    input  logic [                         63:0] job_fault_addr_i,
    input  logic [                         31:0] job_fault_index_i,
    input  logic [                         31:0] job_emitted_i,
    input  logic [                         31:0] job_traced_i,
    input  logic [2*ig1_pkg::Counters-1:0][31:0] counters_i
);
  ig1_hostif_pkg::to_mcu_t to_mcu;
  ig1_hostif_pkg::to_host_t to_host;
  ig1_hostif_pkg::copy_t copy;
  logic mbox_bell, bell;
  logic [3:0] bell_num;
  logic [31:0] bell_tail;
  logic [ig1_pkg::Vectors-1:0] vectors;
  logic copy_start, copy_busy, copy_done, copy_error;
  logic test_valid, test_we, test_done;
  logic [31:0] test_addr, test_wdata, test_data;

  assign copy_busy_o = copy_busy || copy_start;

  // MCU SRAM: the host's port and the copy engine's, each holding a request until it is done
  logic [1:0] ld_valid, ld_we, ld_ready;
  logic [1:0][31:0] ld_addr, ld_wdata;
  logic ld_sel, ld_held_q, ld_sel_q;
  assign ld_sel = ld_held_q ? ld_sel_q : !ld_valid[0];
  assign load_valid_o = ld_valid[ld_sel];
  assign load_we_o = ld_we[ld_sel];
  assign load_addr_o = ld_addr[ld_sel];
  assign load_wdata_o = ld_wdata[ld_sel];
  assign ld_ready[0] = !ld_sel && load_ready_i;
  assign ld_ready[1] = ld_sel && load_ready_i;

  always_ff @(posedge clk_i or negedge soft_rst_no) begin
    if (!soft_rst_no) begin
      ld_held_q <= 1'b0;
      ld_sel_q  <= 1'b0;
    end else begin
      ld_held_q <= load_valid_o && !load_ready_i;
      ld_sel_q  <= ld_sel;
    end
  end

  logic fdt_rd_b, fdt_rd_m;
  logic [15:0] fdt_addr_b, fdt_addr_m;
  logic [31:0] fdt_data_b, fdt_data_m, fdt_bytes;

  ig1_hostif_bar0 u_bar0 (
      .clk_i,
      .rst_ni,
      .b_valid_i,
      .b_we_i,
      .b_addr_i,
      .b_wdata_i,
      .b_ready_o,
      .b_rdata_o,
      .irq_o,
      .soft_rst_no,
      .mcu_run_o   (mcu_rst_no),
      .mcu_lockup_i,
      .job_busy_i,
      .host_idle_i,
      .to_mcu_o    (to_mcu),
      .to_host_i   (to_host),
      .mbox_bell_o (mbox_bell),
      .bell_o      (bell),
      .bell_num_o  (bell_num),
      .bell_tail_o (bell_tail),
      .raise_i     (vectors),
      .load_valid_o(ld_valid[0]),
      .load_ready_i(ld_ready[0]),
      .load_we_o   (ld_we[0]),
      .load_addr_o (ld_addr[0]),
      .load_wdata_o(ld_wdata[0]),
      .load_rdata_i,
      .fdt_rd_o    (fdt_rd_b),
      .fdt_addr_o  (fdt_addr_b),
      .fdt_data_i  (fdt_data_b),
      .fdt_bytes_i (fdt_bytes)
  );

  prim_mask_info u_info (
      .clk_i,
      .rst_ni,
      .chip_i,
      .fdt_bytes_o(fdt_bytes),
      .rom_bytes_o,
      .crom_bytes_o
  );

  prim_fdt u_fdt (
      .clk_i,
      .chip_i,
      .rd_i  (fdt_rd_b),
      .addr_i(fdt_addr_b),
      .data_o(fdt_data_b)
  );

  prim_fdt u_fdt_mcu (
      .clk_i,
      .chip_i,
      .rd_i  (fdt_rd_m),
      .addr_i(fdt_addr_m),
      .data_o(fdt_data_m)
  );

  logic rom_rd;
  logic [39:0] rom_addr;
  /* verilator lint_off UNUSEDSIGNAL */
  logic [287:0] rom_data;  // a row's port is wider than a test read
  /* verilator lint_on UNUSEDSIGNAL */

  prim_rom_word u_rom (
      .clk_i,
      .chip_i,
      .rd_i  (rom_rd),
      .addr_i(rom_addr),
      .data_o(rom_data)
  );

  ig1_hostif_mcu #(
      .SramBytes(SramBytes)
  ) u_mcu_regs (
      .clk_i,
      .rst_ni      (soft_rst_no),
      .req_valid_i (periph_req_valid_i),
      .req_ready_o (periph_req_ready_o),
      .req_addr_i  (periph_req_addr_i),
      .req_we_i    (periph_req_we_i),
      .req_be_i    (periph_req_be_i),
      .req_wdata_i (periph_req_wdata_i),
      .rsp_valid_o (periph_rsp_valid_o),
      .rsp_rdata_o (periph_rsp_rdata_o),
      .rsp_err_o   (periph_rsp_err_o),
      .irq_o       (mcu_irq_o),
      .to_mcu_i    (to_mcu),
      .to_host_o   (to_host),
      .mbox_bell_i (mbox_bell),
      .bell_i      (bell),
      .bell_num_i  (bell_num),
      .bell_tail_i (bell_tail),
      .raise_o     (vectors),
      .copy_start_o(copy_start),
      .copy_o      (copy),
      .copy_busy_i (copy_busy),
      .copy_done_i (copy_done),
      .copy_error_i(copy_error),
      .test_valid_o(test_valid),
      .test_we_o   (test_we),
      .test_wdata_o(test_wdata),
      .test_addr_o (test_addr),
      .test_done_i (test_done),
      .test_data_i (test_data),
      .rom_rd_o    (rom_rd),
      .rom_addr_o  (rom_addr),
      .rom_data_i  (rom_data[31:0]),
      .fdt_rd_o    (fdt_rd_m),
      .fdt_addr_o  (fdt_addr_m),
      .fdt_data_i  (fdt_data_m),
      .fdt_bytes_i (fdt_bytes),
      .launch_o,
      .clear_o,
      .abort_o,
      .job_o,
      .job_busy_i,
      .job_done_i,
      .job_fault_i,
      .job_fault_addr_i,
      .job_fault_index_i,
      .job_emitted_i,
      .job_traced_i,
      .counters_i
  );

  ig1_hostif_copy #(
      .MemBytes (MemBytes),
      .SramBytes(SramBytes)
  ) u_copy (
      .clk_i,
      .rst_ni      (soft_rst_no),
      .start_i     (copy_start),
      .copy_i      (copy),
      .busy_o      (copy_busy),
      .done_o      (copy_done),
      .error_o     (copy_error),
      .test_valid_i(test_valid),
      .test_we_i   (test_we),
      .test_wdata_i(test_wdata),
      .test_addr_i (test_addr),
      .test_done_o (test_done),
      .test_data_o (test_data),
      .load_valid_o(ld_valid[1]),
      .load_ready_i(ld_ready[1]),
      .load_we_o   (ld_we[1]),
      .load_addr_o (ld_addr[1]),
      .load_wdata_o(ld_wdata[1]),
      .load_rdata_i,
      .req_valid_o,
      .req_ready_i,
      .req_we_o,
      .req_host_o,
      .req_addr_o,
      .req_bytes_o,
      .req_data_o,
      .rsp_valid_i,
      .rsp_data_i,
      .rsp_err_i
  );
endmodule
