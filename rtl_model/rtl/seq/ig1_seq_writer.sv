// SPDX-License-Identifier: MIT
// Writes token and trace records to the context's buffers through one memory client. A token write
// is answered (emit_done_o with its fault); trace records are queued and written when nothing else
// is, their faults dropped with the rest of the trace. idle_o: nothing queued or in flight.

module ig1_seq_writer #(
    parameter int unsigned MemBytes = 128,
    parameter int unsigned TraceDepth = 16
) (
    input  logic                  clk_i,
    input  logic                  rst_ni,
    input  logic                  start_i,          // new job
    input  logic [63:0]           emit_va_i,
    input  logic [31:0]           emit_entries_i,
    input  logic [63:0]           trace_va_i,
    input  logic [31:0]           trace_entries_i,
    // token record; held until emit_done_o
    input  logic                  emit_i,
    input  logic [31:0]           emit_value_i,
    input  logic [15:0]           emit_slot_i,
    input  logic [15:0]           emit_kind_i,
    output logic                  emit_done_o,
    output logic [7:0]            emit_fault_o,
    output logic [63:0]           emit_va_o,
    output logic                  emit_full_o,
    output logic [31:0]           emitted_o,
    // trace records of up to three engines in a cycle
    input  logic [2:0]            trace_i,
    input  logic [2:0][255:0]     trace_rec_i,
    output logic                  trace_stall_o,    // start no commands: room for few records left
    output logic [31:0]           traced_o,
    output logic                  idle_o,
    // memory client
    output logic                  req_valid_o,
    input  logic                  req_ready_i,
    output logic [63:0]           req_va_o,
    output logic [7:0]            req_bytes_o,
    output logic [8*MemBytes-1:0] req_data_o,
    input  logic                  rsp_valid_i,
    input  logic [7:0]            rsp_fault_i
);
  localparam int unsigned PtrW = $clog2(TraceDepth);

  typedef enum logic [1:0] {
    StIdle,
    StEmit,
    StTrace,
    StWait
  } state_e;

  state_e state_q, state_d;
  logic was_emit_q, was_emit_d;
  logic [31:0] emitted_q, emitted_d, traced_q, traced_d, taken_q, taken_d;
  logic trace_dead_q, trace_dead_d;

  logic [255:0] fifo[TraceDepth];
  logic [PtrW-1:0] rd_q, rd_d, wr_q, wr_d;
  logic [PtrW:0] fill_q, fill_d;

  // Records that still fit the buffer are taken, in the order of their engines.
  logic [2:0] take;
  logic [2:0][PtrW-1:0] slot;
  always_comb begin
    wr_d = wr_q;
    taken_d = taken_q;
    take = '0;
    slot = '0;
    for (int unsigned e = 0; e < 3; e++) begin
      slot[e] = wr_d;
      if (trace_i[e] && taken_d != trace_entries_i && !trace_dead_q) begin
        take[e] = 1'b1;
        wr_d = wr_d + PtrW'(1);
        taken_d = taken_d + 32'd1;
      end
    end
    if (start_i) taken_d = '0;
  end

  logic pop;
  always_comb begin
    state_d = state_q;
    was_emit_d = was_emit_q;
    emitted_d = emitted_q;
    traced_d = traced_q;
    trace_dead_d = trace_dead_q;
    pop = 1'b0;
    emit_done_o = 1'b0;
    req_valid_o = 1'b0;
    req_va_o = emit_va_o;
    req_bytes_o = 8'd16;
    req_data_o = '0;
    req_data_o[127:0] = {32'd0, emit_value_i, emit_kind_i, emit_slot_i, emitted_q + 32'd1};
    unique case (state_q)
      StIdle: begin
        if (emit_i) state_d = StEmit;
        else if (fill_q != '0) state_d = StTrace;
      end
      StEmit: begin
        req_valid_o = 1'b1;
        was_emit_d  = 1'b1;
        if (req_ready_i) state_d = StWait;
      end
      StTrace: begin
        req_valid_o = !trace_dead_q;
        req_va_o = trace_va_i + {27'b0, traced_q, 5'b0};
        req_bytes_o = 8'd32;
        req_data_o[255:0] = fifo[rd_q];
        was_emit_d = 1'b0;
        if (req_ready_i || trace_dead_q) begin
          pop = 1'b1;
          state_d = trace_dead_q ? StIdle : StWait;
        end
      end
      StWait: begin
        if (rsp_valid_i) begin
          state_d = StIdle;
          if (was_emit_q) begin
            emit_done_o = 1'b1;
            if (rsp_fault_i == 8'd0) emitted_d = emitted_q + 32'd1;
          end else if (rsp_fault_i == 8'd0) begin
            traced_d = traced_q + 32'd1;
          end else begin
            trace_dead_d = 1'b1;
          end
        end
      end
      default: ;
    endcase
    if (start_i) begin
      emitted_d = '0;
      traced_d = '0;
      trace_dead_d = 1'b0;
    end
    rd_d = pop ? rd_q + PtrW'(1) : rd_q;
    fill_d = fill_q + (PtrW + 1)'(take[0]) + (PtrW + 1)'(take[1]) + (PtrW + 1)'(take[2]) -
        (PtrW + 1)'(pop);
  end

  assign emit_fault_o = rsp_fault_i;
  assign emit_va_o = emit_va_i + {28'b0, emitted_q, 4'b0};
  assign emit_full_o = emitted_q == emit_entries_i;
  assign emitted_o = emitted_q;
  assign traced_o = traced_q;
  assign idle_o = state_q == StIdle && fill_q == '0;
  // every engine may finish the command it has and one more that is starting
  assign trace_stall_o = fill_q > (PtrW + 1)'(TraceDepth - 6);

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q <= StIdle;
      was_emit_q <= 1'b0;
      emitted_q <= '0;
      traced_q <= '0;
      taken_q <= '0;
      trace_dead_q <= 1'b0;
      rd_q <= '0;
      wr_q <= '0;
      fill_q <= '0;
    end else begin
      state_q <= state_d;
      was_emit_q <= was_emit_d;
      emitted_q <= emitted_d;
      traced_q <= traced_d;
      taken_q <= taken_d;
      trace_dead_q <= trace_dead_d;
      rd_q <= rd_d;
      wr_q <= wr_d;
      fill_q <= fill_d;
    end
  end

  always_ff @(posedge clk_i) begin
    for (int unsigned e = 0; e < 3; e++) if (take[e]) fifo[slot[e]] <= trace_rec_i[e];
  end

`ifndef SYNTHESIS
  TraceRoom :
  assert property (@(posedge clk_i) disable iff (!rst_ni) fill_d <= (PtrW + 1)'(TraceDepth));
`endif
endmodule
