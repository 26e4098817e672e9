// SPDX-License-Identifier: MIT
// The chip, elaborated with the parameters of a configuration. BAR0 and host bus: rtl/README.md.
// Debug port: ig1_debug. The MCU's clock is not gated while it sleeps, though it may be: in simulation
// the gate costs more than it saves. chip_i names the instance's masks and must be stable from reset on.

module ig1_top #(
    parameter int unsigned Tiles = 8,
    parameter int unsigned Rows = 8,
    parameter int unsigned Columns = 8,
    parameter int unsigned Lanes = 32,
    parameter int unsigned MemBytes = 128,
    parameter int unsigned ScratchBytes = 524288,
    parameter logic [63:0] SramBytes = 64'h1000000
) (
    input  logic clk_i,
    input  logic rst_ni,
    input  logic [7:0] chip_i,
    // BAR0
    input  logic b_valid_i,
    input  logic b_we_i,
    input  logic [16:0] b_addr_i,
    input  logic [31:0] b_wdata_i,
    output logic b_ready_o,
    output logic [31:0] b_rdata_o,
    output logic [7:0] irq_o,
    output logic idle_o,
    // host bus master
    output logic h_req_valid_o,
    input  logic h_req_ready_i,
    output logic h_req_we_o,
    output logic [63:0] h_req_addr_o,
    output logic [7:0] h_req_bytes_o,
    output logic [8*MemBytes-1:0] h_req_data_o,
    input  logic h_rsp_valid_i,
    input  logic h_rsp_err_i,
    input  logic [8*MemBytes-1:0] h_rsp_data_i,
    // debug port
    input  logic d_valid_i,
    input  logic d_we_i,
    input  logic [31:0] d_addr_i,
    input  logic [31:0] d_wdata_i,
    output logic d_ready_o,
    output logic [31:0] d_rdata_o,
    output logic d_err_o
);
  localparam int unsigned MemW = 8 * MemBytes;

  logic soft_rst_n, mcu_rst_n;

  // ---------------------------------------------------------------- MCU and host interface
  logic mcu_req_valid, mcu_req_ready, mcu_req_we, mcu_rsp_valid;
  logic [31:0] mcu_req_addr, mcu_req_wdata;
  logic [3:0] mcu_req_be;
  logic per_req_valid, per_req_ready, per_req_we, per_rsp_valid, per_rsp_err;
  logic [31:0] per_req_addr, per_req_wdata, per_rsp_rdata;
  logic [3:0] per_req_be;
  logic load_valid, load_ready, load_we;
  logic [31:0] load_addr, load_wdata, load_rdata;
  logic mcu_irq, mcu_lockup, mcu_sleep;

  logic phys_req_valid, phys_req_ready, phys_req_we, phys_req_host, phys_rsp_valid, phys_rsp_err;
  logic [63:0] phys_req_addr;
  logic [7:0] phys_req_bytes;
  logic [MemW-1:0] phys_req_data, phys_rsp_data;
  logic host_idle, copy_busy;

  // Nothing happens by itself any more: no job, no copy, no host access, the MCU asleep or in reset.
  // Only its timer can still wake it.
  assign idle_o = !job_busy && !copy_busy && host_idle && (mcu_sleep || !mcu_rst_n) && !mcu_irq;

  ig1_hostif_pkg::launch_t job;
  logic launch, clear, abort, job_busy, job_done;
  logic [7:0] job_fault;
  logic [63:0] job_fault_addr;
  logic [31:0] job_fault_index, job_emitted, job_traced;
  logic [ig1_pkg::Counters-1:0][63:0] counters;
  logic [63:0] rom_bytes, crom_bytes;

  ig1_mcu #(
      .SramBytes(ig1_pkg::McuSramBytes)
  ) u_mcu (
      .clk_i,
      .clk_timer_i       (clk_i),
      .rst_ni            (soft_rst_n),
      .core_rst_ni       (mcu_rst_n),
      .load_valid_i      (load_valid),
      .load_ready_o      (load_ready),
      .load_we_i         (load_we),
      .load_addr_i       (load_addr),
      .load_wdata_i      (load_wdata),
      .load_rdata_o      (load_rdata),
      .periph_req_valid_o(mcu_req_valid),
      .periph_req_ready_i(mcu_req_ready),
      .periph_req_addr_o (mcu_req_addr),
      .periph_req_we_o   (mcu_req_we),
      .periph_req_be_o   (mcu_req_be),
      .periph_req_wdata_o(mcu_req_wdata),
      .periph_rsp_valid_i(mcu_rsp_valid),
      .periph_rsp_rdata_i(per_rsp_rdata),
      .periph_rsp_err_i  (per_rsp_err),
      .irq_i             (mcu_irq),
      .sleep_o           (mcu_sleep),
      .lockup_o          (mcu_lockup)
  );

  ig1_debug u_debug (
      .clk_i,
      .rst_ni         (soft_rst_n),
      .mcu_rst_ni     (mcu_rst_n),
      .d_valid_i,
      .d_we_i,
      .d_addr_i,
      .d_wdata_i,
      .d_ready_o,
      .d_rdata_o,
      .d_err_o,
      .mcu_req_valid_i(mcu_req_valid),
      .mcu_req_ready_o(mcu_req_ready),
      .mcu_req_addr_i (mcu_req_addr),
      .mcu_req_we_i   (mcu_req_we),
      .mcu_req_be_i   (mcu_req_be),
      .mcu_req_wdata_i(mcu_req_wdata),
      .mcu_rsp_valid_o(mcu_rsp_valid),
      .req_valid_o    (per_req_valid),
      .req_ready_i    (per_req_ready),
      .req_addr_o     (per_req_addr),
      .req_we_o       (per_req_we),
      .req_be_o       (per_req_be),
      .req_wdata_o    (per_req_wdata),
      .rsp_valid_i    (per_rsp_valid),
      .rsp_rdata_i    (per_rsp_rdata),
      .rsp_err_i      (per_rsp_err)
  );

  ig1_hostif #(
      .MemBytes (MemBytes),
      .SramBytes(SramBytes)
  ) u_hostif (
      .clk_i,
      .rst_ni,
      .chip_i,
      .soft_rst_no       (soft_rst_n),
      .b_valid_i,
      .b_we_i,
      .b_addr_i,
      .b_wdata_i,
      .b_ready_o,
      .b_rdata_o,
      .irq_o,
      .mcu_rst_no        (mcu_rst_n),
      .mcu_lockup_i      (mcu_lockup),
      .mcu_irq_o         (mcu_irq),
      .periph_req_valid_i(per_req_valid),
      .periph_req_ready_o(per_req_ready),
      .periph_req_addr_i (per_req_addr),
      .periph_req_we_i   (per_req_we),
      .periph_req_be_i   (per_req_be),
      .periph_req_wdata_i(per_req_wdata),
      .periph_rsp_valid_o(per_rsp_valid),
      .periph_rsp_rdata_o(per_rsp_rdata),
      .periph_rsp_err_o  (per_rsp_err),
      .load_valid_o      (load_valid),
      .load_ready_i      (load_ready),
      .load_we_o         (load_we),
      .load_addr_o       (load_addr),
      .load_wdata_o      (load_wdata),
      .load_rdata_i      (load_rdata),
      .req_valid_o       (phys_req_valid),
      .req_ready_i       (phys_req_ready),
      .req_we_o          (phys_req_we),
      .req_host_o        (phys_req_host),
      .req_addr_o        (phys_req_addr),
      .req_bytes_o       (phys_req_bytes),
      .req_data_o        (phys_req_data),
      .rsp_valid_i       (phys_rsp_valid),
      .rsp_data_i        (phys_rsp_data),
      .rsp_err_i         (phys_rsp_err),
      .host_idle_i       (host_idle),
      .copy_busy_o       (copy_busy),
      .launch_o          (launch),
      .clear_o           (clear),
      .abort_o           (abort),
      .job_o             (job),
      .rom_bytes_o       (rom_bytes),
      .crom_bytes_o      (crom_bytes),
      .job_busy_i        (job_busy),
      .job_done_i        (job_done),
      .job_fault_i       (job_fault),
      .job_fault_addr_i  (job_fault_addr),
      .job_fault_index_i (job_fault_index),
      .job_emitted_i     (job_emitted),
      .job_traced_i      (job_traced),
      .counters_i        (counters)
  );

  // ---------------------------------------------------------------- sequencer and engines
  localparam int unsigned ETile = 0;
  localparam int unsigned EVec = 1;
  localparam int unsigned EDma = 2;

  logic [2:0] eng_valid, eng_ready, eng_done;
  logic [2:0][1023:0] eng_cmd;
  logic [2:0][7:0] eng_fault;
  logic [2:0][63:0] eng_fault_addr;
  logic eng_abort, tlb_flush, tlb_miss, walk_busy;
  logic [31:0] stat_macs, stat_rom_bytes, stat_kv_bytes, stat_vec_elems, stat_dma_bytes;

  logic seq_rd_valid, seq_rd_ready, seq_wr_valid, seq_wr_ready;
  logic [31:0] seq_rd_addr, seq_wr_addr;
  logic [MemW-1:0] seq_rd_data, seq_wr_data;
  logic [Lanes-1:0] seq_wr_mask;
  logic dma_rd_valid, dma_rd_ready, dma_wr_valid, dma_wr_ready;
  logic [31:0] dma_rd_addr, dma_wr_addr;
  logic [MemW-1:0] dma_rd_data, dma_wr_data;
  logic [Lanes-1:0] dma_wr_mask;
  logic tile_rd_valid, tile_rd_ready, tile_wr_valid, tile_wr_ready;
  logic [31:0] tile_rd_addr, tile_wr_addr;
  logic [MemW-1:0] tile_rd_data, tile_wr_data;
  logic [Lanes-1:0] tile_wr_mask;
  logic vec_rd_valid, vec_rd_ready, vec_wr_valid, vec_wr_ready;
  logic [31:0] vec_rd_addr, vec_wr_addr;
  logic [MemW-1:0] vec_rd_data, vec_wr_data;
  logic [Lanes-1:0] vec_wr_mask;

  logic fetch_req_valid, fetch_req_ready, fetch_rsp_valid;
  logic [63:0] fetch_req_va;
  logic [MemW-1:0] fetch_rsp_data;
  logic [7:0] fetch_rsp_fault;
  logic writer_req_valid, writer_req_ready, writer_rsp_valid;
  logic [63:0] writer_req_va;
  logic [7:0] writer_req_bytes, writer_rsp_fault;
  logic [MemW-1:0] writer_req_data;
  logic dma_req_valid, dma_req_ready, dma_req_we, dma_rsp_valid;
  logic [63:0] dma_req_va;
  logic [7:0] dma_req_bytes, dma_rsp_fault;
  logic [MemW-1:0] dma_req_data, dma_rsp_data;
  logic tile_req_valid, tile_req_ready, tile_rsp_valid;
  logic [63:0] tile_req_va;
  logic [7:0] tile_req_bytes, tile_rsp_fault;
  logic [MemW-1:0] tile_rsp_data;
  // the tile array only reads
  /* verilator lint_off UNUSEDSIGNAL */
  logic tile_req_we;
  logic [MemW-1:0] tile_req_data;
  /* verilator lint_on UNUSEDSIGNAL */

  ig1_seq #(
      .MemBytes    (MemBytes),
      .Lanes       (Lanes),
      .ScratchBytes(ScratchBytes)
  ) u_seq (
      .clk_i,
      .rst_ni          (soft_rst_n),
      .launch_i        (launch),
      .clear_i         (clear),
      .abort_i         (abort),
      .prog_va_i       (job.prog_va),
      .prog_len_i      (job.prog_len),
      .emit_va_i       (job.emit_va),
      .emit_entries_i  (job.emit_entries),
      .trace_va_i      (job.trace_va),
      .trace_entries_i (job.trace_entries),
      .watchdog_i      (job.watchdog),
      .args_i          (job.args),
      .rom_bytes_i     (rom_bytes),
      .crom_bytes_i    (crom_bytes),
      .busy_o          (job_busy),
      .done_o          (job_done),
      .fault_o         (job_fault),
      .fault_addr_o    (job_fault_addr),
      .fault_index_o   (job_fault_index),
      .emitted_o       (job_emitted),
      .traced_o        (job_traced),
      .counters_o      (counters),
      .tlb_flush_o     (tlb_flush),
      .tlb_miss_i      (tlb_miss),
      .walk_busy_i     (walk_busy),
      .eng_valid_o     (eng_valid),
      .eng_ready_i     (eng_ready),
      .eng_cmd_o       (eng_cmd),
      .eng_done_i      (eng_done),
      .eng_fault_i     (eng_fault),
      .eng_fault_addr_i(eng_fault_addr),
      .eng_abort_o     (eng_abort),
      .stat_macs_i     (stat_macs),
      .stat_rom_bytes_i(stat_rom_bytes),
      .stat_kv_bytes_i (stat_kv_bytes),
      .stat_vec_elems_i(stat_vec_elems),
      .stat_dma_bytes_i(stat_dma_bytes),
      .rd_valid_o      (seq_rd_valid),
      .rd_ready_i      (seq_rd_ready),
      .rd_addr_o       (seq_rd_addr),
      .rd_data_i       (seq_rd_data),
      .wr_valid_o      (seq_wr_valid),
      .wr_ready_i      (seq_wr_ready),
      .wr_addr_o       (seq_wr_addr),
      .wr_data_o       (seq_wr_data),
      .wr_mask_o       (seq_wr_mask),
      .f_req_valid_o   (fetch_req_valid),
      .f_req_ready_i   (fetch_req_ready),
      .f_req_va_o      (fetch_req_va),
      .f_rsp_valid_i   (fetch_rsp_valid),
      .f_rsp_data_i    (fetch_rsp_data),
      .f_rsp_fault_i   (fetch_rsp_fault),
      .w_req_valid_o   (writer_req_valid),
      .w_req_ready_i   (writer_req_ready),
      .w_req_va_o      (writer_req_va),
      .w_req_bytes_o   (writer_req_bytes),
      .w_req_data_o    (writer_req_data),
      .w_rsp_valid_i   (writer_rsp_valid),
      .w_rsp_fault_i   (writer_rsp_fault)
  );

  ig1_tile #(
      .Tiles  (Tiles),
      .Rows   (Rows),
      .Columns(Columns),
      .Lanes  (Lanes)
  ) u_tile (
      .clk_i,
      .rst_ni          (soft_rst_n),
      .chip_i,
      .cmd_valid_i     (eng_valid[ETile]),
      .cmd_ready_o     (eng_ready[ETile]),
      .cmd_i           (eng_cmd[ETile]),
      .done_o          (eng_done[ETile]),
      .fault_o         (eng_fault[ETile]),
      .fault_addr_o    (eng_fault_addr[ETile]),
      .abort_i         (eng_abort),
      .stat_macs_o     (stat_macs),
      .stat_rom_bytes_o(stat_rom_bytes),
      .stat_kv_bytes_o (stat_kv_bytes),
      .rd_valid_o      (tile_rd_valid),
      .rd_ready_i      (tile_rd_ready),
      .rd_addr_o       (tile_rd_addr),
      .rd_data_i       (tile_rd_data),
      .wr_valid_o      (tile_wr_valid),
      .wr_ready_i      (tile_wr_ready),
      .wr_addr_o       (tile_wr_addr),
      .wr_data_o       (tile_wr_data),
      .wr_mask_o       (tile_wr_mask),
      .req_valid_o     (tile_req_valid),
      .req_ready_i     (tile_req_ready),
      .req_we_o        (tile_req_we),
      .req_va_o        (tile_req_va),
      .req_bytes_o     (tile_req_bytes),
      .req_data_o      (tile_req_data),
      .rsp_valid_i     (tile_rsp_valid),
      .rsp_data_i      (tile_rsp_data),
      .rsp_fault_i     (tile_rsp_fault)
  );

  ig1_vec #(
      .Lanes(Lanes)
  ) u_vec (
      .clk_i,
      .rst_ni          (soft_rst_n),
      .chip_i,
      .cmd_valid_i     (eng_valid[EVec]),
      .cmd_ready_o     (eng_ready[EVec]),
      .cmd_i           (eng_cmd[EVec]),
      .done_o          (eng_done[EVec]),
      .fault_o         (eng_fault[EVec]),
      .fault_addr_o    (eng_fault_addr[EVec]),
      .abort_i         (eng_abort),
      .stat_elems_o    (stat_vec_elems),
      .rd_valid_o      (vec_rd_valid),
      .rd_ready_i      (vec_rd_ready),
      .rd_addr_o       (vec_rd_addr),
      .rd_data_i       (vec_rd_data),
      .wr_valid_o      (vec_wr_valid),
      .wr_ready_i      (vec_wr_ready),
      .wr_addr_o       (vec_wr_addr),
      .wr_data_o       (vec_wr_data),
      .wr_mask_o       (vec_wr_mask)
  );

  ig1_dma #(
      .MemBytes(MemBytes),
      .Lanes   (Lanes)
  ) u_dma (
      .clk_i,
      .rst_ni          (soft_rst_n),
      .cmd_valid_i     (eng_valid[EDma]),
      .cmd_ready_o     (eng_ready[EDma]),
      .cmd_i           (eng_cmd[EDma]),
      .done_o          (eng_done[EDma]),
      .fault_o         (eng_fault[EDma]),
      .fault_addr_o    (eng_fault_addr[EDma]),
      .abort_i         (eng_abort),
      .stat_dma_bytes_o(stat_dma_bytes),
      .rd_valid_o      (dma_rd_valid),
      .rd_ready_i      (dma_rd_ready),
      .rd_addr_o       (dma_rd_addr),
      .rd_data_i       (dma_rd_data),
      .wr_valid_o      (dma_wr_valid),
      .wr_ready_i      (dma_wr_ready),
      .wr_addr_o       (dma_wr_addr),
      .wr_data_o       (dma_wr_data),
      .wr_mask_o       (dma_wr_mask),
      .req_valid_o     (dma_req_valid),
      .req_ready_i     (dma_req_ready),
      .req_we_o        (dma_req_we),
      .req_va_o        (dma_req_va),
      .req_bytes_o     (dma_req_bytes),
      .req_data_o      (dma_req_data),
      .rsp_valid_i     (dma_rsp_valid),
      .rsp_data_i      (dma_rsp_data),
      .rsp_fault_i     (dma_rsp_fault)
  );

  // ---------------------------------------------------------------- memories
  ig1_scratch #(
      .ScratchBytes(ScratchBytes),
      .Lanes       (Lanes)
  ) u_scratch (
      .clk_i,
      .rst_ni(soft_rst_n),
      .seq_rd_valid_i  (seq_rd_valid),
      .seq_rd_ready_o  (seq_rd_ready),
      .seq_rd_addr_i   (seq_rd_addr),
      .seq_rd_data_o   (seq_rd_data),
      .seq_wr_valid_i  (seq_wr_valid),
      .seq_wr_ready_o  (seq_wr_ready),
      .seq_wr_addr_i   (seq_wr_addr),
      .seq_wr_data_i   (seq_wr_data),
      .seq_wr_mask_i   (seq_wr_mask),
      .dma_rd_valid_i  (dma_rd_valid),
      .dma_rd_ready_o  (dma_rd_ready),
      .dma_rd_addr_i   (dma_rd_addr),
      .dma_rd_data_o   (dma_rd_data),
      .dma_wr_valid_i  (dma_wr_valid),
      .dma_wr_ready_o  (dma_wr_ready),
      .dma_wr_addr_i   (dma_wr_addr),
      .dma_wr_data_i   (dma_wr_data),
      .dma_wr_mask_i   (dma_wr_mask),
      .tile_rd_valid_i (tile_rd_valid),
      .tile_rd_ready_o (tile_rd_ready),
      .tile_rd_addr_i  (tile_rd_addr),
      .tile_rd_data_o  (tile_rd_data),
      .tile_wr_valid_i (tile_wr_valid),
      .tile_wr_ready_o (tile_wr_ready),
      .tile_wr_addr_i  (tile_wr_addr),
      .tile_wr_data_i  (tile_wr_data),
      .tile_wr_mask_i  (tile_wr_mask),
      .vec_rd_valid_i  (vec_rd_valid),
      .vec_rd_ready_o  (vec_rd_ready),
      .vec_rd_addr_i   (vec_rd_addr),
      .vec_rd_data_o   (vec_rd_data),
      .vec_wr_valid_i  (vec_wr_valid),
      .vec_wr_ready_o  (vec_wr_ready),
      .vec_wr_addr_i   (vec_wr_addr),
      .vec_wr_data_i   (vec_wr_data),
      .vec_wr_mask_i   (vec_wr_mask)
  );

  ig1_mem #(
      .MemBytes (MemBytes),
      .SramBytes(SramBytes)
  ) u_mem (
      .clk_i,
      .rst_ni            (soft_rst_n),
      .host_rst_ni       (rst_ni),
      .chip_i,
      .pt_root_i         (job.pt_root),
      .flush_i           (tlb_flush),
      .tlb_miss_o        (tlb_miss),
      .walk_busy_o       (walk_busy),
      .host_idle_o       (host_idle),
      .fetch_req_valid_i (fetch_req_valid),
      .fetch_req_ready_o (fetch_req_ready),
      .fetch_req_va_i    (fetch_req_va),
      .fetch_rsp_valid_o (fetch_rsp_valid),
      .fetch_rsp_data_o  (fetch_rsp_data),
      .fetch_rsp_fault_o (fetch_rsp_fault),
      .writer_req_valid_i(writer_req_valid),
      .writer_req_ready_o(writer_req_ready),
      .writer_req_va_i   (writer_req_va),
      .writer_req_bytes_i(writer_req_bytes),
      .writer_req_data_i (writer_req_data),
      .writer_rsp_valid_o(writer_rsp_valid),
      .writer_rsp_fault_o(writer_rsp_fault),
      .dma_req_valid_i   (dma_req_valid),
      .dma_req_ready_o   (dma_req_ready),
      .dma_req_we_i      (dma_req_we),
      .dma_req_va_i      (dma_req_va),
      .dma_req_bytes_i   (dma_req_bytes),
      .dma_req_data_i    (dma_req_data),
      .dma_rsp_valid_o   (dma_rsp_valid),
      .dma_rsp_data_o    (dma_rsp_data),
      .dma_rsp_fault_o   (dma_rsp_fault),
      .tile_req_valid_i  (tile_req_valid),
      .tile_req_ready_o  (tile_req_ready),
      .tile_req_va_i     (tile_req_va),
      .tile_req_bytes_i  (tile_req_bytes),
      .tile_rsp_valid_o  (tile_rsp_valid),
      .tile_rsp_data_o   (tile_rsp_data),
      .tile_rsp_fault_o  (tile_rsp_fault),
      .phys_req_valid_i  (phys_req_valid),
      .phys_req_ready_o  (phys_req_ready),
      .phys_req_we_i     (phys_req_we),
      .phys_req_host_i   (phys_req_host),
      .phys_req_addr_i   (phys_req_addr),
      .phys_req_bytes_i  (phys_req_bytes),
      .phys_req_data_i   (phys_req_data),
      .phys_rsp_valid_o  (phys_rsp_valid),
      .phys_rsp_data_o   (phys_rsp_data),
      .phys_rsp_err_o    (phys_rsp_err),
      .h_req_valid_o,
      .h_req_ready_i,
      .h_req_we_o,
      .h_req_addr_o,
      .h_req_bytes_o,
      .h_req_data_o,
      .h_rsp_valid_i,
      .h_rsp_err_i,
      .h_rsp_data_i
  );
endmodule
