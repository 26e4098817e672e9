// SPDX-License-Identifier: MIT
// Host bus master: two request registers, up to Flight requests in flight, answers in order, each
// with the number of the client that asked. Every pin of the bus is registered on both ways: no
// path goes through it, and a simulator has nothing to follow when the bus is quiet.
//
// rst_ni is the hard reset only: the bus cannot forget a request, so a soft reset of the clients
// must last until idle_o; answers that come meanwhile are lost with their clients' state.

module ig1_mem_host #(
    parameter int unsigned MemBytes = 128,
    parameter int unsigned Flight = 16,
    parameter int unsigned OwnerW = 3
) (
    input  logic                  clk_i,
    input  logic                  rst_ni,
    output logic                  idle_o,
    input  logic                  req_valid_i,
    output logic                  req_ready_o,    // independent of req_valid_i
    input  logic                  req_we_i,
    input  logic [          63:0] req_addr_i,
    input  logic [           7:0] req_bytes_i,
    input  logic [8*MemBytes-1:0] req_data_i,
    input  logic [    OwnerW-1:0] req_owner_i,
    output logic                  rsp_valid_o,
    output logic [    OwnerW-1:0] rsp_owner_o,
    output logic                  rsp_err_o,
    output logic [8*MemBytes-1:0] rsp_data_o,
    // bus
    output logic                  h_req_valid_o,
    input  logic                  h_req_ready_i,
    output logic                  h_req_we_o,
    output logic [          63:0] h_req_addr_o,
    output logic [           7:0] h_req_bytes_o,
    output logic [8*MemBytes-1:0] h_req_data_o,
    input  logic                  h_rsp_valid_i,
    input  logic                  h_rsp_err_i,
    input  logic [8*MemBytes-1:0] h_rsp_data_i
);
  localparam int unsigned PtrW = $clog2(Flight);

  // requests, in turn
  logic [1:0] valid_q, valid_d;
  logic in_q, in_d, out_q, out_d;
  logic [1:0] we_q;
  logic [1:0][63:0] addr_q;
  logic [1:0][7:0] bytes_q;
  logic [8*MemBytes-1:0] data_q[2];

  // the answer that came in the last cycle
  logic rsp_q, err_q;
  logic [8*MemBytes-1:0] rdata_q;

  logic [OwnerW-1:0] owner[Flight];
  logic [PtrW-1:0] wr_q, rd_q;
  logic [PtrW:0] fill_q, fill_d;
  logic take, sent;

  assign req_ready_o = !valid_q[in_q] && fill_q != (PtrW + 1)'(Flight);
  assign take = req_valid_i && req_ready_o;
  assign sent = h_req_valid_o && h_req_ready_i;
  assign fill_d = fill_q + {{PtrW{1'b0}}, take} - {{PtrW{1'b0}}, rsp_q};

  always_comb begin
    valid_d = valid_q;
    if (sent) valid_d[out_q] = 1'b0;
    if (take) valid_d[in_q] = 1'b1;
    in_d  = in_q ^ take;
    out_d = out_q ^ sent;
  end

  assign h_req_valid_o = valid_q[out_q];
  assign h_req_we_o = we_q[out_q];
  assign h_req_addr_o = addr_q[out_q];
  assign h_req_bytes_o = bytes_q[out_q];
  assign h_req_data_o = data_q[out_q];

  assign rsp_valid_o = rsp_q;
  assign rsp_owner_o = owner[rd_q];
  assign rsp_err_o = err_q;
  assign rsp_data_o = rdata_q;
  assign idle_o = fill_q == '0;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      valid_q <= '0;
      in_q <= 1'b0;
      out_q <= 1'b0;
      rsp_q <= 1'b0;
      wr_q <= '0;
      rd_q <= '0;
      fill_q <= '0;
    end else begin
      valid_q <= valid_d;
      in_q <= in_d;
      out_q <= out_d;
      rsp_q <= h_rsp_valid_i;
      wr_q <= take ? wr_q + PtrW'(1) : wr_q;
      rd_q <= rsp_q ? rd_q + PtrW'(1) : rd_q;
      fill_q <= fill_d;
    end
  end

  always_ff @(posedge clk_i) begin
    if (take) begin
      we_q[in_q] <= req_we_i;
      addr_q[in_q] <= req_addr_i;
      bytes_q[in_q] <= req_bytes_i;
      owner[wr_q] <= req_owner_i;
      if (req_we_i) data_q[in_q] <= req_data_i;
    end
    if (h_rsp_valid_i) begin
      err_q   <= h_rsp_err_i;
      rdata_q <= h_rsp_data_i;
    end
  end

`ifndef SYNTHESIS
  RspExpected :
  assert property (@(posedge clk_i) disable iff (!rst_ni) rsp_q |-> fill_q != '0);
  LineRule :
  assert property (@(posedge clk_i) disable iff (!rst_ni) h_req_valid_o |->
      h_req_bytes_o != 8'd0 && h_req_bytes_o[1:0] == 2'd0 &&
      (h_req_addr_o & (64'(MemBytes) - 64'd1)) + 64'(h_req_bytes_o) <= 64'(MemBytes));
  ReqStable :
  assert property (@(posedge clk_i) disable iff (!rst_ni) h_req_valid_o && !h_req_ready_i |=>
      h_req_valid_o && $stable(h_req_addr_o) && $stable(h_req_we_o) && $stable(h_req_bytes_o));
`endif
endmodule
