// SPDX-License-Identifier: MIT
// DMA: n2 x n1 rows of `bytes` bytes between the address space and scratch, in order, split so that
// no access crosses a line of memory. One access per cycle when nothing stalls, however short the
// rows are.
//
// d.ld: answers go through a buffer of Flight entries to scratch. d.st: a scratch read is followed
// by the write of what it returned; the next read is made in the cycle the write is taken.
// The first access that faults ends the command with its address, once everything in flight has
// come back; what was done before stays done.

module ig1_dma #(
    parameter int unsigned MemBytes = 128,
    parameter int unsigned Lanes = 32
) (
    input  logic                  clk_i,
    input  logic                  rst_ni,
    // engine port
    input  logic                  cmd_valid_i,
    output logic                  cmd_ready_o,
    input  logic [        1023:0] cmd_i,
    output logic                  done_o,
    output logic [           7:0] fault_o,
    output logic [          63:0] fault_addr_o,
    input  logic                  abort_i,
    output logic [          31:0] stat_dma_bytes_o,
    // scratch client
    output logic                  rd_valid_o,
    input  logic                  rd_ready_i,
    output logic [          31:0] rd_addr_o,
    input  logic [8*MemBytes-1:0] rd_data_i,
    output logic                  wr_valid_o,
    input  logic                  wr_ready_i,
    output logic [          31:0] wr_addr_o,
    output logic [8*MemBytes-1:0] wr_data_o,
    output logic [     Lanes-1:0] wr_mask_o,
    // memory client
    output logic                  req_valid_o,
    input  logic                  req_ready_i,
    output logic                  req_we_o,
    output logic [          63:0] req_va_o,
    output logic [           7:0] req_bytes_o,
    output logic [8*MemBytes-1:0] req_data_o,
    input  logic                  rsp_valid_i,
    input  logic [8*MemBytes-1:0] rsp_data_i,
    input  logic [           7:0] rsp_fault_i
);
  localparam int unsigned LineW = $clog2(MemBytes);
  localparam int unsigned Flight = 8;
  localparam int unsigned PtrW = $clog2(Flight);
  localparam logic [PtrW:0] FlightFull = (PtrW + 1)'(Flight);

  typedef enum logic [1:0] {
    StIdle,
    StRun,
    StDone
  } state_e;

  state_e state_q, state_d;

  // Only operands and opcode are used here: the sequencer has checked and resolved the rest.
  /* verilator lint_off UNUSEDSIGNAL */
  ig1_pkg::cmd_dma_t cmd;
  /* verilator lint_on UNUSEDSIGNAL */
  assign cmd = ig1_pkg::cmd_dma_t'(cmd_i);

  // ---------------------------------------------------------------- walk over the rows
  logic store_q, gen_q, gen_d;  // gen: accesses are left to make
  logic [63:0] v1_q, v2_q;
  logic [31:0] s1_q, s2_q;
  logic [24:0] bytes_q, n1_q;
  logic [63:0] blk_va_q, blk_va_d, row_va_q, row_va_d, va_q, va_d;
  logic [31:0] blk_sp_q, blk_sp_d, row_sp_q, row_sp_d, sp_q, sp_d;
  logic [24:0] left_q, left_d;  // bytes of the row
  logic [24:0] rows_q, rows_d, blks_q, blks_d;  // after this one

  logic [LineW:0] room;
  logic [7:0] n;
  logic row_last, step, start;
  assign room = (LineW + 1)'(MemBytes) - {1'b0, va_q[LineW-1:0]};
  assign row_last = left_q <= 25'(room);
  assign n = row_last ? left_q[7:0] : 8'(room);
  assign start = state_q == StIdle && cmd_valid_i;

  always_comb begin
    gen_d = gen_q;
    blk_va_d = blk_va_q;
    blk_sp_d = blk_sp_q;
    row_va_d = row_va_q;
    row_sp_d = row_sp_q;
    va_d = va_q;
    sp_d = sp_q;
    left_d = left_q;
    rows_d = rows_q;
    blks_d = blks_q;
    if (step) begin
      left_d = left_q - 25'(n);
      va_d = va_q + 64'(n);
      sp_d = sp_q + 32'(n);
      if (row_last) begin
        left_d = bytes_q;
        rows_d = rows_q - 25'd1;
        row_va_d = row_va_q + v1_q;
        row_sp_d = row_sp_q + s1_q;
        if (rows_q == 25'd0) begin
          rows_d = n1_q;
          blks_d = blks_q - 25'd1;
          blk_va_d = blk_va_q + v2_q;
          blk_sp_d = blk_sp_q + s2_q;
          row_va_d = blk_va_d;
          row_sp_d = blk_sp_d;
          if (blks_q == 25'd0) gen_d = 1'b0;
        end
        va_d = row_va_d;
        sp_d = row_sp_d;
      end
    end
    if (start) begin
      gen_d = 1'b1;
      blk_va_d = cmd.va;
      blk_sp_d = cmd.sp;
      row_va_d = cmd.va;
      row_sp_d = cmd.sp;
      va_d = cmd.va;
      sp_d = cmd.sp;
      left_d = cmd.bytes[24:0];
      rows_d = cmd.n1[24:0] - 25'd1;
      blks_d = cmd.n2[24:0] - 25'd1;
    end
    if (state_q == StRun && (bad_d || abort_i)) gen_d = 1'b0;
  end

  // ---------------------------------------------------------------- accesses in flight
  logic [63:0] fl_va[Flight];
  logic [31:0] fl_sp[Flight];
  logic [7:0] fl_n[Flight];
  logic [8*MemBytes-1:0] buf_data[Flight];
  logic [PtrW-1:0] head_q, back_q, tail_q;  // next request, next answer, next scratch write
  logic [PtrW:0] flight_q, flight_d;  // requests without answer
  logic [PtrW:0] fill_q, fill_d;  // answers not yet in scratch
  logic req_fire, rsp_good, wr_fire;

  // d.st: what the scratch read will return, or returns now
  logic st_q, st_d;
  logic [63:0] st_va_q;
  logic [7:0] st_n_q;
  logic st_fire, rd_fire;

  logic bad_q, bad_d;
  logic [7:0] code_q, code_d;
  logic [63:0] addr_q, addr_d;

  assign req_fire = req_valid_o && req_ready_i;
  assign rsp_good = rsp_valid_i && !bad_q && rsp_fault_i == ig1_pkg::FaultNone;
  assign wr_fire = wr_valid_o && wr_ready_i;
  assign rd_fire = rd_valid_o && rd_ready_i;
  assign st_fire = store_q && req_fire;

  assign rd_addr_o = sp_q;
  assign req_we_o = store_q;
  assign req_data_o = rd_data_i;
  assign req_va_o = store_q ? st_va_q : va_q;
  assign req_bytes_o = store_q ? st_n_q : n;
  // a load needs a buffer entry for each answer
  assign req_valid_o = !bad_q && !abort_i &&
      (store_q ? st_q && flight_q != FlightFull : gen_q && flight_q + fill_q < FlightFull);
  assign rd_valid_o = store_q && gen_q && (!st_q || st_fire);
  assign step = store_q ? rd_fire : req_fire;
  assign st_d = rd_fire || (st_q && !st_fire && !(bad_d || abort_i));

  assign wr_valid_o = fill_q != '0;
  assign wr_addr_o = fl_sp[tail_q];
  assign wr_data_o = buf_data[tail_q];
  assign wr_mask_o = ~({Lanes{1'b1}} << fl_n[tail_q][7:2]);

  always_comb begin
    flight_d = flight_q + (PtrW + 1)'(req_fire) - (PtrW + 1)'(rsp_valid_i);
    fill_d = fill_q + (PtrW + 1)'(rsp_good && !store_q) - (PtrW + 1)'(wr_fire);
    bad_d = bad_q;
    code_d = code_q;
    addr_d = addr_q;
    if (rsp_valid_i && !bad_q && rsp_fault_i != ig1_pkg::FaultNone) begin
      bad_d  = 1'b1;
      code_d = rsp_fault_i;
      addr_d = fl_va[back_q];
    end
    if (start) begin
      bad_d  = 1'b0;
      code_d = ig1_pkg::FaultNone;
    end
  end
  assign stat_dma_bytes_o = rsp_good ? 32'(fl_n[back_q]) : 32'd0;

  always_comb begin
    state_d = state_q;
    unique case (state_q)
      StIdle: if (cmd_valid_i) state_d = StRun;
      StRun: if (!gen_q && !st_q && flight_q == '0 && fill_q == '0) state_d = StDone;
      StDone: state_d = StIdle;
      default: state_d = StIdle;
    endcase
  end
  assign cmd_ready_o = state_q == StIdle;
  assign done_o = state_q == StDone;
  assign fault_o = code_q;
  assign fault_addr_o = addr_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q <= StIdle;
      gen_q <= 1'b0;
      store_q <= 1'b0;
      st_q <= 1'b0;
      bad_q <= 1'b0;
      code_q <= ig1_pkg::FaultNone;
      head_q <= '0;
      back_q <= '0;
      tail_q <= '0;
      flight_q <= '0;
      fill_q <= '0;
    end else begin
      state_q <= state_d;
      gen_q <= gen_d;
      if (start) store_q <= cmd.op == ig1_pkg::OpDSt;
      st_q <= st_d;
      bad_q <= bad_d;
      code_q <= code_d;
      if (req_fire) head_q <= head_q + PtrW'(1);
      if (rsp_valid_i) back_q <= back_q + PtrW'(1);
      // a fault leaves entries that scratch never gets
      if (start) tail_q <= head_q;
      else if (wr_fire) tail_q <= tail_q + PtrW'(1);
      flight_q <= flight_d;
      fill_q <= fill_d;
    end
  end

  always_ff @(posedge clk_i) begin
    addr_q <= addr_d;
    blk_va_q <= blk_va_d;
    blk_sp_q <= blk_sp_d;
    row_va_q <= row_va_d;
    row_sp_q <= row_sp_d;
    va_q <= va_d;
    sp_q <= sp_d;
    left_q <= left_d;
    rows_q <= rows_d;
    blks_q <= blks_d;
    if (start) begin
      v1_q <= cmd.v1;
      v2_q <= cmd.v2;
      s1_q <= cmd.s1;
      s2_q <= cmd.s2;
      bytes_q <= cmd.bytes[24:0];
      n1_q <= cmd.n1[24:0] - 25'd1;
    end
    if (rd_fire) begin
      st_va_q <= va_q;
      st_n_q  <= n;
    end
    if (req_fire) begin
      fl_va[head_q] <= req_va_o;
      fl_sp[head_q] <= sp_q;
      fl_n[head_q]  <= req_bytes_o;
    end
    if (rsp_good && !store_q) buf_data[back_q] <= rsp_data_i;
  end

`ifndef SYNTHESIS
  // a fault or an abort takes back a request that nobody has accepted
  ReqStable :
  assert property (@(posedge clk_i) disable iff (!rst_ni) req_valid_o && !req_ready_i |=>
      abort_i || bad_q ||
      (req_valid_o && $stable(req_va_o) && $stable(req_bytes_o) && $stable(req_we_o)));
  RspExpected :
  assert property (@(posedge clk_i) disable iff (!rst_ni) rsp_valid_i |-> flight_q != '0);
`endif
endmodule
