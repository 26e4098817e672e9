// SPDX-License-Identifier: MIT
// Configuration `large`.

module ig1_top_large (
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
    output logic [8*ig1_pkg::LargeMemBytes-1:0] h_req_data_o,
    input  logic h_rsp_valid_i,
    input  logic h_rsp_err_i,
    input  logic [8*ig1_pkg::LargeMemBytes-1:0] h_rsp_data_i,
    // debug port
    input  logic d_valid_i,
    input  logic d_we_i,
    input  logic [31:0] d_addr_i,
    input  logic [31:0] d_wdata_i,
    output logic d_ready_o,
    output logic [31:0] d_rdata_o,
    output logic d_err_o
);
  ig1_top #(
      .Tiles       (ig1_pkg::LargeTiles),
      .Rows        (ig1_pkg::LargeRows),
      .Columns     (ig1_pkg::LargeColumns),
      .Lanes       (ig1_pkg::LargeLanes),
      .MemBytes    (ig1_pkg::LargeMemBytes),
      .ScratchBytes(ig1_pkg::LargeScratchBytes),
      .SramBytes   (ig1_pkg::LargeSramBytes)
  ) u_top (
      .clk_i,
      .rst_ni,
      .chip_i,
      .b_valid_i,
      .b_we_i,
      .b_addr_i,
      .b_wdata_i,
      .b_ready_o,
      .b_rdata_o,
      .irq_o,
      .idle_o,
      .h_req_valid_o,
      .h_req_ready_i,
      .h_req_we_o,
      .h_req_addr_o,
      .h_req_bytes_o,
      .h_req_data_o,
      .h_rsp_valid_i,
      .h_rsp_err_i,
      .h_rsp_data_i,
      .d_valid_i,
      .d_we_i,
      .d_addr_i,
      .d_wdata_i,
      .d_ready_o,
      .d_rdata_o,
      .d_err_o
  );
endmodule
