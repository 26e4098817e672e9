// SPDX-License-Identifier: MIT
//
// Address decoder between the core and SRAM, timer and the peripheral bus, and the load port: the
// way into the SRAM for the host (core in reset) and for the copy engine (core running).
// Fetches reach the SRAM only. An access to no target, and a fetch outside the SRAM, is answered
// with an error in the next cycle. The core's two ports are never valid together (its contract).
//
// Load port: gets the SRAM when the core leaves it free and at least every other cycle. A read takes
// a cycle more and its data is on load_rdata_o in the cycle with load_ready_o. load_addr_i is a byte
// address, bits 1:0 ignored; beyond the SRAM writes are dropped and reads return zero.
//
// A core reset may leave a peripheral access unanswered. Its late response is dropped and the
// peripheral port stays closed until then.

module ig1_mcu_bus #(
  parameter int unsigned SramBytes = 65536,
  localparam int unsigned SramAddrWidth = $clog2(SramBytes / 4)
) (
  input  logic                     clk_i,
  input  logic                     rst_ni,
  input  logic                     core_rst_ni,   // low in every reset of rst_ni too

  input  logic                     instr_req_valid_i,
  output logic                     instr_req_ready_o,
  input  logic [31:0]              instr_req_addr_i,
  output logic                     instr_rsp_valid_o,
  output logic [31:0]              instr_rsp_rdata_o,
  output logic                     instr_rsp_err_o,

  input  logic                     data_req_valid_i,
  output logic                     data_req_ready_o,
  input  logic [31:0]              data_req_addr_i,
  input  logic                     data_req_we_i,
  input  logic [3:0]               data_req_be_i,
  input  logic [31:0]              data_req_wdata_i,
  output logic                     data_rsp_valid_o,
  output logic [31:0]              data_rsp_rdata_o,
  output logic                     data_rsp_err_o,

  input  logic                     load_valid_i,
  output logic                     load_ready_o,
  input  logic                     load_we_i,
  input  logic [31:0]              load_addr_i,
  input  logic [31:0]              load_wdata_i,
  output logic [31:0]              load_rdata_o,

  output logic                     sram_req_o,
  output logic                     sram_we_o,
  output logic [3:0]               sram_be_o,
  output logic [SramAddrWidth-1:0] sram_addr_o,
  output logic [31:0]              sram_wdata_o,
  input  logic [31:0]              sram_rdata_i,

  output logic                     timer_req_valid_o,
  input  logic                     timer_rsp_valid_i,
  input  logic [31:0]              timer_rsp_rdata_i,
  input  logic                     timer_rsp_err_i,

  output logic                     periph_req_valid_o,
  input  logic                     periph_req_ready_i,
  input  logic                     periph_rsp_valid_i,
  input  logic [31:0]              periph_rsp_rdata_i,
  input  logic                     periph_rsp_err_i,

  output logic                     periph_busy_o
);

  logic core_run_q;                  // the core is out of reset
  logic instr_rsp_q, instr_rsp_d;
  logic instr_err_q, instr_err_d;
  logic data_rsp_q, data_rsp_d;      // SRAM or error response
  logic data_err_q, data_err_d;
  logic load_read_q, load_read_d;    // the host's read data is at the SRAM output
  logic periph_busy_q, periph_busy_d;
  logic periph_drop_q, periph_drop_d;

  logic instr_sram;
  logic data_sram, data_timer, data_periph;
  logic load_sram, load_grant, core_sram;
  logic load_last_q;                 // the load port had the SRAM in the last cycle
  logic periph_rsp;

  assign instr_sram  = instr_req_addr_i < SramBytes;
  assign data_sram   = data_req_addr_i < SramBytes;
  assign data_timer  = data_req_addr_i[31:16] == ig1_mcu_pkg::ClintPage;
  assign data_periph = data_req_addr_i[31:30] != 2'b00;
  assign load_sram   = load_addr_i < SramBytes;

  always_comb begin
    sram_req_o   = instr_req_valid_i && instr_sram;
    sram_we_o    = 1'b0;
    sram_be_o    = data_req_be_i;
    sram_addr_o  = instr_req_addr_i[SramAddrWidth+1:2];
    sram_wdata_o = data_req_wdata_i;
    if (load_grant) begin
      sram_req_o   = load_sram;
      sram_we_o    = load_we_i;
      sram_be_o    = 4'b1111;
      sram_addr_o  = load_addr_i[SramAddrWidth+1:2];
      sram_wdata_o = load_wdata_i;
    end else if (data_req_valid_i) begin
      sram_req_o  = data_sram;
      sram_we_o   = data_req_we_i;
      sram_addr_o = data_req_addr_i[SramAddrWidth+1:2];
    end
  end

  assign core_sram    = core_run_q && ((instr_req_valid_i && instr_sram) ||
                                       (data_req_valid_i && data_sram));
  assign load_grant   = load_valid_i && !load_read_q && (!core_sram || !load_last_q);
  assign load_ready_o = load_we_i ? load_grant : load_read_q;
  assign load_rdata_o = load_sram ? sram_rdata_i : 32'd0;
  assign load_read_d  = load_grant && !load_we_i;

  assign timer_req_valid_o  = data_req_valid_i && data_timer;
  assign periph_req_valid_o = data_req_valid_i && data_periph && !periph_busy_q;
  assign instr_req_ready_o  = !(load_grant && instr_sram);
  assign data_req_ready_o   = data_periph ? periph_req_ready_i && !periph_busy_q
                                          : !(load_grant && data_sram);

  assign instr_rsp_d   = instr_req_valid_i && instr_req_ready_o;
  assign instr_err_d   = !instr_sram;
  assign data_rsp_d    = data_req_valid_i && data_req_ready_o && !data_timer && !data_periph;
  assign data_err_d    = !data_sram;
  assign periph_rsp    = periph_rsp_valid_i && !periph_drop_q;
  assign periph_busy_d = (periph_req_valid_o && periph_req_ready_i) ||
                         (periph_busy_q && !periph_rsp_valid_i);
  assign periph_drop_d = periph_busy_d && (periph_drop_q || !core_run_q);
  assign periph_busy_o = periph_busy_q;

  assign instr_rsp_valid_o = instr_rsp_q;
  assign instr_rsp_rdata_o = sram_rdata_i;
  assign instr_rsp_err_o   = instr_err_q;

  assign data_rsp_valid_o = data_rsp_q || timer_rsp_valid_i || periph_rsp;
  assign data_rsp_rdata_o = data_rsp_q ? sram_rdata_i
                                       : (timer_rsp_valid_i ? timer_rsp_rdata_i
                                                            : periph_rsp_rdata_i);
  assign data_rsp_err_o   = data_rsp_q ? data_err_q
                                       : (timer_rsp_valid_i ? timer_rsp_err_i : periph_rsp_err_i);

  always_ff @(posedge clk_i or negedge core_rst_ni) begin
    if (!core_rst_ni) begin
      core_run_q  <= 1'b0;
      instr_rsp_q <= 1'b0;
      data_rsp_q  <= 1'b0;
    end else begin
      core_run_q  <= 1'b1;
      instr_rsp_q <= instr_rsp_d;
      data_rsp_q  <= data_rsp_d;
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      load_read_q   <= 1'b0;
      load_last_q   <= 1'b0;
      periph_busy_q <= 1'b0;
      periph_drop_q <= 1'b0;
    end else begin
      load_read_q   <= load_read_d;
      load_last_q   <= load_grant;
      periph_busy_q <= periph_busy_d;
      periph_drop_q <= periph_drop_d;
    end
  end

  always_ff @(posedge clk_i) begin
    instr_err_q <= instr_err_d;
    data_err_q  <= data_err_d;
  end

`ifndef SYNTHESIS
  logic in_reset, in_core_reset;
  assign in_reset      = !rst_ni;
  assign in_core_reset = !core_rst_ni;

  initial begin
    // The SRAM ends where the timer begins, at most.
    SramSize_A: assert (SramBytes % 4 == 0 && SramBytes >= 8 && SramBytes <= 32'h0200_0000)
      else $fatal(1, "SramBytes out of range");
  end

  OnePort_A: assert property (@(posedge clk_i) disable iff (in_core_reset)
    !(instr_req_valid_i && data_req_valid_i)) else $error("core uses both ports at once");
  OneResponse_A: assert property (@(posedge clk_i) disable iff (in_core_reset)
    $onehot0({data_rsp_q, timer_rsp_valid_i && core_run_q, periph_rsp && core_run_q}))
    else $error("two data responses at once");
  PeriphRspExpected_A: assert property (@(posedge clk_i) disable iff (in_reset)
    periph_rsp_valid_i |-> periph_busy_q) else $error("peripheral response without request");
  LoadHeld_A: assert property (@(posedge clk_i) disable iff (in_reset)
    load_valid_i && !load_ready_o |=>
    load_valid_i && $stable({load_we_i, load_addr_i, load_wdata_i}))
    else $error("host request not held");
`endif

endmodule
