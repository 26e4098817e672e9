// SPDX-License-Identifier: MIT
// Copy engine of the firmware: host memory to or from the MCU's SRAM, zeros into resident SRAM, and
// single accesses to resident SRAM for its self-test. Requests to memory are split at lines and
// pipelined; the MCU's SRAM takes a word at a time. A refused or out-of-range transfer ends with
// error_o, which stands until the next start_i.

module ig1_hostif_copy #(
    parameter int unsigned MemBytes = 128,
    parameter logic [63:0] SramBytes = 64'h1000000
) (
    input  logic                  clk_i,
    input  logic                  rst_ni,
    input  logic                  start_i,        // not while busy_o
    input  ig1_hostif_pkg::copy_t copy_i,
    output logic                  busy_o,
    output logic                  done_o,         // one cycle
    output logic                  error_o,
    input  logic                  test_valid_i,   // held until test_done_o
    input  logic                  test_we_i,
    input  logic [          31:0] test_addr_i,
    input  logic [          31:0] test_wdata_i,
    output logic                  test_done_o,
    output logic [          31:0] test_data_o,
    // MCU SRAM
    output logic                  load_valid_o,
    input  logic                  load_ready_i,
    output logic                  load_we_o,
    output logic [          31:0] load_addr_o,
    output logic [          31:0] load_wdata_o,
    input  logic [          31:0] load_rdata_i,
    // memory, physical
    output logic                  req_valid_o,
    input  logic                  req_ready_i,
    output logic                  req_we_o,
    output logic                  req_host_o,
    output logic [          63:0] req_addr_o,
    output logic [           7:0] req_bytes_o,
    output logic [8*MemBytes-1:0] req_data_o,
    input  logic                  rsp_valid_i,
    input  logic [8*MemBytes-1:0] rsp_data_i,
    input  logic                  rsp_err_i
);
  localparam int unsigned LineW = $clog2(MemBytes);
  localparam int unsigned MemW = 8 * MemBytes;
  localparam int unsigned Depth = 4;
  localparam int unsigned PtrW = $clog2(Depth);
  localparam logic [PtrW:0] Full = (PtrW + 1)'(Depth);
  localparam logic [1:0] ToMcu = 2'd1;
  localparam logic [1:0] ToHost = 2'd2;

  typedef enum logic [2:0] {
    StIdle,
    StCopy,
    StTest,
    StTestWait
  } state_e;

  state_e state_q, state_d;
  logic [1:0] what_q, what_d;
  logic [63:0] addr_q, addr_d;  // next request
  logic [31:0] left_q, left_d;  // bytes not yet requested
  logic [31:0] local_q, local_d;  // next word of the MCU's SRAM
  logic error_q, error_d;
  logic [PtrW:0] flight_q, flight_d, fill_q, fill_d;
  logic [PtrW-1:0] head_q, back_q, tail_q;
  logic [MemW-1:0] line_data[Depth];
  logic [7:0] line_n[Depth];
  logic [7:0] pos_q, pos_d;  // bytes of the line done at the MCU's side
  logic [MemW-1:0] out_q;  // line for the host

  logic bad_local, bad_sram, bad_align, bad;
  assign bad_local = 33'(copy_i.local_addr) + 33'(copy_i.bytes) > 33'(ig1_pkg::McuSramBytes);
  assign bad_sram = copy_i.host > SramBytes || 64'(copy_i.bytes) > SramBytes - copy_i.host;
  assign bad_align = |{copy_i.host[1:0], copy_i.bytes[1:0]} ||
      (copy_i.what != 2'd3 && |copy_i.local_addr[1:0]);
  assign bad = bad_align || (copy_i.what == 2'd3 ? bad_sram : bad_local);

  logic [LineW:0] room;
  logic [7:0] n;
  assign room = (LineW + 1)'(MemBytes) - {1'b0, addr_q[LineW-1:0]};
  assign n = left_q <= 32'(room) ? left_q[7:0] : 8'(room);

  logic run, req_fire, load_fire, line_out, filled, got;
  assign run = state_q == StCopy && !error_q;
  assign req_fire = req_valid_o && req_ready_i;
  assign load_fire = load_valid_o && load_ready_i;
  // to the host: the line is complete
  assign filled = left_q != 32'd0 && pos_q == n;
  assign got = rsp_valid_i && state_q == StCopy && what_q == ToMcu && !rsp_err_i && !error_q;
  // to the MCU: the line is stored
  assign line_out = load_fire && what_q == ToMcu && pos_q + 8'd4 == line_n[tail_q];

  always_comb begin
    req_valid_o = 1'b0;
    unique case (state_q)
      StCopy: begin
        case (what_q)
          ToMcu: req_valid_o = run && left_q != 32'd0 && flight_q + fill_q < Full;
          ToHost: req_valid_o = run && filled && flight_q != Full;
          default: req_valid_o = run && left_q != 32'd0 && flight_q != Full;
        endcase
      end
      StTest:  req_valid_o = 1'b1;
      default: ;
    endcase
  end
  assign req_we_o = state_q == StCopy ? what_q != ToMcu : test_we_i;
  assign req_host_o = state_q == StCopy && what_q != 2'd3;
  assign req_addr_o = state_q == StCopy ? addr_q : 64'(test_addr_i);
  assign req_bytes_o = state_q == StCopy ? n : 8'd4;
  assign req_data_o = state_q != StCopy ? MemW'(test_wdata_i) : what_q == ToHost ? out_q : '0;

  // A read that was begun is completed, error or not: the port asks for held requests.
  assign load_valid_o = state_q == StCopy &&
      (what_q == ToMcu ? fill_q != '0 : what_q == ToHost && left_q != 32'd0 && !filled);
  assign load_we_o = what_q == ToMcu;
  assign load_addr_o = local_q;
  assign load_wdata_o = line_data[tail_q][{pos_q[LineW-1:2], 5'd0}+:32];

  assign test_done_o = state_q == StTestWait && rsp_valid_i;
  assign test_data_o = rsp_data_i[31:0];

  always_comb begin
    state_d = state_q;
    what_d = what_q;
    addr_d = addr_q;
    left_d = left_q;
    local_d = local_q;
    error_d = error_q;
    pos_d = pos_q;
    done_o = 1'b0;
    flight_d = flight_q + (PtrW + 1)'(req_fire) - (PtrW + 1)'(rsp_valid_i);
    fill_d = fill_q + (PtrW + 1)'(got) - (PtrW + 1)'(line_out);
    unique case (state_q)
      StIdle: begin
        if (start_i) begin
          what_d = copy_i.what;
          addr_d = copy_i.host;
          left_d = bad ? 32'd0 : copy_i.bytes;
          local_d = copy_i.local_addr;
          error_d = bad;
          pos_d = '0;
          state_d = StCopy;
        end else if (test_valid_i) begin
          state_d = StTest;
        end
      end
      StCopy: begin
        if (req_fire) begin
          addr_d = addr_q + 64'(n);
          left_d = left_q - 32'(n);
          if (what_q == ToHost) pos_d = '0;
        end
        if (load_fire) begin
          local_d = local_q + 32'd4;
          pos_d   = line_out ? 8'd0 : pos_q + 8'd4;
        end
        if (rsp_valid_i && rsp_err_i) error_d = 1'b1;
        if (error_q && !(load_valid_o && !load_ready_i)) left_d = '0;
        if (left_q == 32'd0 && flight_q == '0 && fill_q == '0) begin
          done_o  = 1'b1;
          state_d = StIdle;
        end
      end
      StTest: if (req_ready_i) state_d = StTestWait;
      StTestWait: if (rsp_valid_i) state_d = StIdle;
      default: state_d = StIdle;
    endcase
  end
  assign busy_o  = state_q == StCopy;
  assign error_o = error_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q <= StIdle;
      left_q <= '0;
      error_q <= 1'b0;
      flight_q <= '0;
      fill_q <= '0;
      head_q <= '0;
      back_q <= '0;
      tail_q <= '0;
    end else begin
      state_q <= state_d;
      left_q <= left_d;
      error_q <= error_d;
      flight_q <= flight_d;
      fill_q <= fill_d;
      if (req_fire && req_host_o && !req_we_o) head_q <= head_q + PtrW'(1);
      if (got) back_q <= back_q + PtrW'(1);
      // lines that an error left behind
      if (start_i) tail_q <= back_q;
      else if (line_out) tail_q <= tail_q + PtrW'(1);
      if (start_i) head_q <= back_q;
    end
  end

  always_ff @(posedge clk_i) begin
    what_q <= what_d;
    addr_q <= addr_d;
    local_q <= local_d;
    pos_q <= pos_d;
    if (req_fire) line_n[head_q] <= n;
    if (got) line_data[back_q] <= rsp_data_i;
    if (load_fire && what_q == ToHost) out_q[{pos_q[LineW-1:2], 5'd0}+:32] <= load_rdata_i;
  end

`ifndef SYNTHESIS
  StartIdle :
  assert property (@(posedge clk_i) disable iff (!rst_ni) start_i |-> !busy_o);
`endif
endmodule
