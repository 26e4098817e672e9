// SPDX-License-Identifier: MIT
// Debug port: stands in for the MCU on its peripheral bus while the MCU is held in reset, for
// bring-up and tests. One access at a time; d_ready_o ends it, with d_rdata_o and d_err_o. While
// the MCU runs, an access waits.

module ig1_debug (
    input  logic        clk_i,
    input  logic        rst_ni,
    input  logic        mcu_rst_ni,
    // debug port
    input  logic        d_valid_i,
    input  logic        d_we_i,
    input  logic [31:0] d_addr_i,
    input  logic [31:0] d_wdata_i,
    output logic        d_ready_o,
    output logic [31:0] d_rdata_o,
    output logic        d_err_o,
    // MCU
    input  logic        mcu_req_valid_i,
    output logic        mcu_req_ready_o,
    input  logic [31:0] mcu_req_addr_i,
    input  logic        mcu_req_we_i,
    input  logic [ 3:0] mcu_req_be_i,
    input  logic [31:0] mcu_req_wdata_i,
    output logic        mcu_rsp_valid_o,
    // peripheral bus
    output logic        req_valid_o,
    input  logic        req_ready_i,
    output logic [31:0] req_addr_o,
    output logic        req_we_o,
    output logic [ 3:0] req_be_o,
    output logic [31:0] req_wdata_o,
    input  logic        rsp_valid_i,
    input  logic [31:0] rsp_rdata_i,
    input  logic        rsp_err_i
);
  typedef enum logic [1:0] {
    StIdle,
    StReq,
    StWait,
    StDone
  } state_e;

  state_e state_q, state_d;
  logic [31:0] rdata_q;
  logic err_q;
  logic mcu_busy_q;  // an answer for the MCU is outstanding, whatever became of it

  logic mine;
  assign mine = state_q == StReq || state_q == StWait;

  always_comb begin
    state_d = state_q;
    unique case (state_q)
      StIdle:  if (d_valid_i && !mcu_rst_ni && !mcu_busy_q && !mcu_req_valid_i) state_d = StReq;
      StReq:   if (req_ready_i) state_d = StWait;
      StWait:  if (rsp_valid_i) state_d = StDone;
      default: state_d = StIdle;
    endcase
  end

  assign req_valid_o = mine ? state_q == StReq : mcu_req_valid_i;
  assign req_addr_o = mine ? d_addr_i : mcu_req_addr_i;
  assign req_we_o = mine ? d_we_i : mcu_req_we_i;
  assign req_be_o = mine ? 4'b1111 : mcu_req_be_i;
  assign req_wdata_o = mine ? d_wdata_i : mcu_req_wdata_i;
  assign mcu_req_ready_o = !mine && req_ready_i;
  assign mcu_rsp_valid_o = !mine && rsp_valid_i;
  assign d_ready_o = state_q == StDone;
  assign d_rdata_o = rdata_q;
  assign d_err_o = err_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q <= StIdle;
      mcu_busy_q <= 1'b0;
    end else begin
      state_q <= state_d;
      if (mcu_req_valid_i && mcu_req_ready_o) mcu_busy_q <= 1'b1;
      else if (mcu_rsp_valid_o) mcu_busy_q <= 1'b0;
    end
  end

  always_ff @(posedge clk_i) begin
    if (state_q == StWait && rsp_valid_i) begin
      rdata_q <= rsp_rdata_i;
      err_q   <= rsp_err_i;
    end
  end
endmodule
