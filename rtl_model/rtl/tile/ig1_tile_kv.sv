// SPDX-License-Identifier: MIT
//
// Reads the KV blocks of t.qk or t.pv in the order the ISA fixes (KV head, position block and value
// group in the command's order, data before scales), once per pass over the columns, into the two
// halves of the KV buffer. Up to eight requests are in flight; a half is filled again only after
// its block has been taken. The first fault stops it.

module ig1_tile_kv #(
  parameter int unsigned Lanes = 32
) (
  input  logic        clk_i,
  input  logic        rst_ni,
  input  logic        abort_i,      // no further requests
  input  logic        start_i,      // only when idle
  input  logic        scales_i,     // read scales too (t.qk)
  input  logic [63:0] kv_i,
  input  logic [63:0] ks_i,
  input  logic [31:0] npos_i,
  input  logic [15:0] heads_i,
  input  logic [15:0] passes_i,     // over the columns, per KV head
  input  logic [24:0] outer_i,      // blocks of a pass: outer_i x inner_i
  input  logic [24:0] inner_i,
  input  logic [15:0] groups_i,
  input  logic [31:0] bstride_i,
  input  logic [31:0] sbstride_i,
  output logic        idle_o,
  output logic        faulted_o,
  output logic [7:0]  fault_o,
  output logic [63:0] fault_addr_o,

  output logic        block_valid_o,  // the next block is in the buffer
  input  logic        block_take_i,

  output logic                req_valid_o,
  input  logic                req_ready_i,
  output logic [63:0]         req_va_o,
  output logic [7:0]          req_bytes_o,
  input  logic                rsp_valid_i,
  input  logic [7:0]          rsp_fault_i,

  // with the response's data
  output logic        we_o,
  output logic        we_scales_o,
  output logic        we_buffer_o,
  output logic [9:0]  we_offset_o
);
  localparam int unsigned Line = 4 * Lanes;

  // --- the command ---

  logic        scales_q;
  logic [31:0] npos_q, bstride_q, sbstride_q;
  logic [15:0] passes_q, groups_q;
  logic [24:0] outer_q, inner_q;

  always_ff @(posedge clk_i) begin
    if (start_i) begin
      scales_q   <= scales_i;
      npos_q     <= npos_i;
      passes_q   <= passes_i;
      groups_q   <= groups_i;
      outer_q    <= outer_i;
      inner_q    <= inner_i;
      bstride_q  <= bstride_i;
      sbstride_q <= sbstride_i;
    end
  end

  // --- walk over blocks and requests ---

  logic        active_q, active_d;
  logic [15:0] heads_q, heads_d;     // left
  logic [15:0] pass_q, pass_d;
  logic [24:0] out_q, out_d, in_q, in_d;
  logic [31:0] left_q, left_d;       // positions from this block on
  logic [63:0] kv_head_q, kv_head_d, kv_out_q, kv_out_d, kv_q, kv_d;
  logic [63:0] ks_head_q, ks_head_d, ks_out_q, ks_out_d, ks_q, ks_d;
  logic        in_scales_q, in_scales_d;
  logic [10:0] offset_q, offset_d;   // bytes
  logic        buffer_q, buffer_d;
  logic [1:0]  open_q, open_d;       // blocks requested and not taken
  logic [3:0]  flight_q, flight_d;   // requests without a response

  logic        taken, part_end, block_end, pass_end, out_end;
  logic [5:0]  rows;
  logic [10:0] size, rest;
  logic [63:0] kv_step_out, kv_step_in, kv_step_head, ks_step_out, ks_step_in, ks_step_head;

  // t.qk walks position blocks outside and groups inside, t.pv the other way round
  assign kv_step_head = {38'h0, groups_q, 10'h0};
  assign ks_step_head = {41'h0, groups_q, 7'h0};
  assign kv_step_out  = scales_q ? {32'h0, bstride_q} : 64'd1024;
  assign kv_step_in   = scales_q ? 64'd1024 : {32'h0, bstride_q};
  assign ks_step_out  = {32'h0, sbstride_q};
  assign ks_step_in   = 64'd128;

  assign rows = (left_q >= 32'd32) ? 6'd32 : left_q[5:0];
  assign size = in_scales_q ? {3'h0, rows, 2'h0} : {rows, 5'h0};
  assign rest = size - offset_q;

  assign req_valid_o = active_q && (open_q != 2'd2) && (flight_q != 4'd8);
  assign req_va_o    = (in_scales_q ? ks_q : kv_q) + {53'h0, offset_q};
  assign req_bytes_o = (rest > 11'(Line)) ? 8'(Line) : rest[7:0];
  assign taken       = req_valid_o && req_ready_i;
  assign part_end    = taken && (rest <= 11'(Line));
  assign block_end   = part_end && (in_scales_q || !scales_q);
  assign out_end     = block_end && (in_q + 25'd1 == inner_q);
  assign pass_end    = out_end && (out_q + 25'd1 == outer_q);

  always_comb begin
    active_d    = active_q;
    heads_d     = heads_q;
    pass_d      = pass_q;
    out_d       = out_q;
    in_d        = in_q;
    left_d      = left_q;
    kv_head_d   = kv_head_q;
    ks_head_d   = ks_head_q;
    kv_out_d    = kv_out_q;
    ks_out_d    = ks_out_q;
    kv_d        = kv_q;
    ks_d        = ks_q;
    in_scales_d = in_scales_q;
    offset_d    = offset_q;
    buffer_d    = buffer_q;
    if (taken) offset_d = offset_q + 11'(Line);
    if (part_end) begin
      offset_d    = 11'd0;
      in_scales_d = scales_q && !in_scales_q;
    end
    if (block_end) begin
      buffer_d = !buffer_q;
      in_d     = in_q + 25'd1;
      kv_d     = kv_q + kv_step_in;
      ks_d     = ks_q + ks_step_in;
      if (!scales_q) left_d = left_q - 32'd32;
    end
    if (out_end) begin
      in_d     = 25'd0;
      out_d    = out_q + 25'd1;
      kv_out_d = kv_out_q + kv_step_out;
      ks_out_d = ks_out_q + ks_step_out;
      kv_d     = kv_out_d;
      ks_d     = ks_out_d;
      left_d   = scales_q ? left_q - 32'd32 : npos_q;
    end
    if (pass_end) begin
      out_d  = 25'd0;
      left_d = npos_q;
      pass_d = pass_q + 16'd1;
      if (pass_d == passes_q) begin
        pass_d    = 16'd0;
        heads_d   = heads_q - 16'd1;
        kv_head_d = kv_head_q + kv_step_head;
        ks_head_d = ks_head_q + ks_step_head;
        active_d  = heads_q != 16'd1;
      end
      kv_out_d = kv_head_d;
      ks_out_d = ks_head_d;
      kv_d     = kv_head_d;
      ks_d     = ks_head_d;
    end
    // a request that waits must be kept up
    if ((abort_i || faulted_o) && (!req_valid_o || req_ready_i)) active_d = 1'b0;
    if (start_i) begin
      active_d    = 1'b1;
      heads_d     = heads_i;
      pass_d      = 16'd0;
      out_d       = 25'd0;
      in_d        = 25'd0;
      left_d      = npos_i;
      kv_head_d   = kv_i;
      ks_head_d   = ks_i;
      kv_out_d    = kv_i;
      ks_out_d    = ks_i;
      kv_d        = kv_i;
      ks_d        = ks_i;
      in_scales_d = 1'b0;
      offset_d    = 11'd0;
      buffer_d    = 1'b0;
    end
  end

  always_ff @(posedge clk_i) begin
    heads_q     <= heads_d;
    pass_q      <= pass_d;
    out_q       <= out_d;
    in_q        <= in_d;
    left_q      <= left_d;
    kv_head_q   <= kv_head_d;
    ks_head_q   <= ks_head_d;
    kv_out_q    <= kv_out_d;
    ks_out_q    <= ks_out_d;
    kv_q        <= kv_d;
    ks_q        <= ks_d;
    in_scales_q <= in_scales_d;
    offset_q    <= offset_d;
    buffer_q    <= buffer_d;
  end

  // --- responses, in the order of requests ---

  typedef struct packed {
    logic [63:0] va;
    logic [9:0]  offset;
    logic        scales;
    logic        buffer;
    logic        block_end;
  } flight_t;

  flight_t     fifo_q [0:7];
  flight_t     head;
  logic [2:0]  in_at_q, out_at_q;
  logic [1:0]  ready_q, ready_d;  // complete blocks
  logic        faulted_q, faulted_d;
  logic [7:0]  fault_q;
  logic [63:0] fault_addr_q;
  logic        new_fault;

  assign head      = fifo_q[out_at_q];
  assign new_fault = rsp_valid_i && (rsp_fault_i != 8'd0) && !faulted_q;
  assign faulted_d = !start_i && (faulted_q || new_fault);
  assign flight_d  = flight_q + 4'(taken) - 4'(rsp_valid_i);

  always_comb begin
    open_d  = open_q + 2'(block_end) - 2'(block_take_i);
    ready_d = ready_q + 2'(rsp_valid_i && head.block_end) - 2'(block_take_i);
    if (start_i) begin
      open_d  = 2'd0;
      ready_d = 2'd0;
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      active_q  <= 1'b0;
      open_q    <= 2'd0;
      ready_q   <= 2'd0;
      flight_q  <= 4'd0;
      in_at_q   <= 3'd0;
      out_at_q  <= 3'd0;
      faulted_q <= 1'b0;
    end else begin
      active_q  <= active_d;
      open_q    <= open_d;
      ready_q   <= ready_d;
      flight_q  <= flight_d;
      in_at_q   <= in_at_q + 3'(taken);
      out_at_q  <= out_at_q + 3'(rsp_valid_i);
      faulted_q <= faulted_d;
    end
  end

  always_ff @(posedge clk_i) begin
    if (taken) begin
      fifo_q[in_at_q] <= '{va: req_va_o, offset: offset_q[9:0], scales: in_scales_q,
                           buffer: buffer_q, block_end: block_end};
    end
    if (new_fault) begin
      fault_q      <= rsp_fault_i;
      fault_addr_q <= head.va;
    end
  end

  assign we_o          = rsp_valid_i;
  assign we_scales_o   = head.scales;
  assign we_buffer_o   = head.buffer;
  assign we_offset_o   = head.offset;
  assign block_valid_o = (ready_q != 2'd0) && !faulted_q;
  assign faulted_o     = faulted_q;
  assign fault_o       = faulted_q ? fault_q : 8'd0;
  assign fault_addr_o  = faulted_q ? fault_addr_q : 64'h0;
  assign idle_o        = !active_q && (flight_q == 4'd0);

`ifndef SYNTHESIS
  logic in_reset;
  assign in_reset = !rst_ni;

  StartWhenIdle_A: assert property (@(posedge clk_i) disable iff (in_reset) start_i |-> idle_o)
    else $error("started while at work");
  RspExpected_A: assert property (@(posedge clk_i) disable iff (in_reset)
    rsp_valid_i |-> flight_q != 4'd0) else $error("response without a request");
  TakeValid_A: assert property (@(posedge clk_i) disable iff (in_reset)
    block_take_i |-> block_valid_o) else $error("took a block that is not there");
  ReqStable_A: assert property (@(posedge clk_i) disable iff (in_reset)
    req_valid_o && !req_ready_i |=> req_valid_o && $stable(req_va_o) && $stable(req_bytes_o))
    else $error("request withdrawn");
`endif
endmodule
