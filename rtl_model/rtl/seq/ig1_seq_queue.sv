// SPDX-License-Identifier: MIT
// In-order queue in front of one engine. A command starts when the engine is free and the tokens it
// waits for have been given: token t counts its gifts in given_i[t], and the command holds the
// number of gifts that must have been exceeded (its ticket). Tickets serve waits in program order,
// so the oldest command of the chip can always start.
//
// A command is (bits, index, order, tickets, issue cycle). After a fault at order F, commands that
// are younger are dropped when they reach the head.

module ig1_seq_queue #(
    parameter int unsigned Depth = 4
) (
    input  logic              clk_i,
    input  logic              rst_ni,
    // from the sequencer
    input  logic              push_i,
    output logic              full_o,
    output logic              empty_o,        // nothing queued, nothing running
    input  logic [1023:0]     cmd_i,
    input  logic              nop_i,          // a count is zero: only its tokens
    input  logic [31:0]       index_i,
    input  logic [31:0]       order_i,
    input  logic [15:0][15:0] ticket_i,
    input  logic [47:0]       now_i,
    input  logic [15:0][15:0] given_i,
    input  logic              drop_i,         // commands younger than drop_order_i are dropped
    input  logic [31:0]       drop_order_i,
    input  logic              hold_i,         // start nothing
    // engine port
    output logic              eng_valid_o,
    input  logic              eng_ready_i,
    output logic [1023:0]     eng_cmd_o,
    input  logic              eng_done_i,
    input  logic [7:0]        eng_fault_i,
    input  logic [63:0]       eng_fault_addr_i,
    // completion, one cycle
    output logic              done_o,
    output logic [15:0]       signal_o,
    output logic              fault_o,
    output logic [7:0]        fault_code_o,
    output logic [63:0]       fault_addr_o,
    output logic [31:0]       index_o,
    output logic [31:0]       order_o,
    output logic [7:0]        opcode_o,
    output logic [47:0]       issue_o,
    output logic [47:0]       start_o,
    output logic              busy_o
);
  localparam int unsigned PtrW = $clog2(Depth);

  logic [1023:0] cmd_mem[Depth];
  logic [31:0] index_mem[Depth];
  logic [31:0] order_mem[Depth];
  logic [15:0][15:0] ticket_mem[Depth];
  logic [47:0] issue_mem[Depth];
  logic [Depth-1:0] nop_q;

  logic [PtrW-1:0] rd_q, wr_q;
  logic [PtrW:0] fill_q;
  logic running_q, run_nop_q;
  logic [31:0] run_index_q, run_order_q;
  logic [15:0] run_signal_q;
  logic [7:0] run_op_q;
  logic [47:0] run_issue_q, run_start_q;

  logic head, go, ready, start, drop, pop, finish;
  logic [15:0] wait_mask;
  assign head = fill_q != '0;
  assign wait_mask = cmd_mem[rd_q][31:16];

  always_comb begin
    ready = 1'b1;
    if (head && wait_mask != 16'd0) for (int unsigned t = 0; t < 16; t++) begin
      // given - ticket > 0 modulo 2^16
      if (wait_mask[t] && (given_i[t] == ticket_mem[rd_q][t] ||
          16'(given_i[t] - ticket_mem[rd_q][t]) >= 16'h8000))
        ready = 1'b0;
    end
  end

  assign drop = head && drop_i && order_mem[rd_q] > drop_order_i;
  assign go = head && !running_q && ready && !drop && !hold_i;
  assign eng_valid_o = go && !nop_q[rd_q];
  assign start = go && (nop_q[rd_q] || eng_ready_i);
  assign pop = start || (drop && !running_q);
  always_comb begin
    eng_cmd_o = '0;
    if (head && !running_q) eng_cmd_o = cmd_mem[rd_q];
  end
  assign full_o = fill_q == (PtrW + 1)'(Depth);
  assign empty_o = !head && !running_q;
  assign busy_o = running_q && !run_nop_q;

  assign finish = running_q && (run_nop_q || eng_done_i);
  assign done_o = finish;
  assign signal_o = finish ? run_signal_q : 16'd0;
  assign fault_o = finish && !run_nop_q && eng_fault_i != 8'd0;
  assign fault_code_o = eng_fault_i;
  assign fault_addr_o = eng_fault_addr_i;
  assign index_o = run_index_q;
  assign order_o = run_order_q;
  assign opcode_o = run_op_q;
  assign issue_o = run_issue_q;
  assign start_o = run_start_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      rd_q <= '0;
      wr_q <= '0;
      fill_q <= '0;
      running_q <= 1'b0;
      run_nop_q <= 1'b0;
      nop_q <= '0;
    end else begin
      if (push_i) nop_q[wr_q] <= nop_i;
      if (start) run_nop_q <= nop_q[rd_q];
      if (push_i) wr_q <= wr_q + PtrW'(1);
      if (pop) rd_q <= rd_q + PtrW'(1);
      fill_q <= fill_q + {{PtrW{1'b0}}, push_i} - {{PtrW{1'b0}}, pop};
      if (start) running_q <= 1'b1;
      else if (finish) running_q <= 1'b0;
    end
  end

  always_ff @(posedge clk_i) begin
    if (push_i) begin
      cmd_mem[wr_q] <= cmd_i;
      index_mem[wr_q] <= index_i;
      order_mem[wr_q] <= order_i;
      ticket_mem[wr_q] <= ticket_i;
      issue_mem[wr_q] <= now_i;
    end
    if (start) begin
      run_index_q <= index_mem[rd_q];
      run_order_q <= order_mem[rd_q];
      run_signal_q <= cmd_mem[rd_q][47:32];
      run_op_q <= cmd_mem[rd_q][7:0];
      run_issue_q <= issue_mem[rd_q];
      run_start_q <= now_i;
    end
  end

`ifndef SYNTHESIS
  PushRoom :
  assert property (@(posedge clk_i) disable iff (!rst_ni) push_i |-> !full_o);
  DoneRunning :
  assert property (@(posedge clk_i) disable iff (!rst_ni) eng_done_i |-> running_q && !run_nop_q);
`endif
endmodule
