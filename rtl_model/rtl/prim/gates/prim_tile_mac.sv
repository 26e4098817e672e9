// SPDX-License-Identifier: MIT
//
// One row times one column: group sums, scales, eight interleaved partial sums, and a copy of them
// for reading out while the next rows are summed. Two stages: step1_i's operands are at the inputs,
// step2_i's go into the partial sums. KvSlots sets of sums, for KV blocks with more rows than the
// array.

module prim_tile_mac #(
  parameter int unsigned KvSlots = 1
) (
  input  logic                 clk_i,
  input  prim_tile_pkg::step_t step1_i,
  input  prim_tile_pkg::step_t step2_i,
  input  logic [255:0]         x0_i,
  input  logic [255:0]         x1_i,
  input  logic [31:0]          xs0_i,
  input  logic [31:0]          xs1_i,
  input  logic [319:0]         planes_i,
  input  logic [31:0]          ws0_i,
  input  logic [31:0]          ws1_i,
  input  logic [4:0]           out_slot_i,
  output logic [255:0]         parts_o
);
  // verilator no_inline_module

  // --- group sums and scales ---

  logic [20:0] sum0, sum1, sum0_q, sum1_q;
  logic [31:0] scale0, scale1, scale0_q, scale1_q;
  logic        two;  // terms of one group

  assign two = prim_tile_pkg::fmt_two(step1_i.fmt);

  prim_tile_dot u_dot (
    .x0_i    (x0_i),
    .x1_i    (x1_i),
    .planes_i(planes_i),
    .pair_i  (prim_tile_pkg::fmt_pair(step1_i.fmt)),
    .five_i  (step1_i.fmt == ig1_pkg::WfmtMx4),
    .two_i   (two),
    .whole_i (prim_tile_pkg::fmt_constant(step1_i.fmt)),
    .sum0_o  (sum0),
    .sum1_o  (sum1)
  );
  prim_fp32_mul u_scale0 (
    .a_i(ws0_i),
    .b_i(xs0_i),
    .y_o(scale0)
  );
  prim_fp32_mul u_scale1 (
    .a_i(ws1_i),
    .b_i(two ? xs0_i : xs1_i),
    .y_o(scale1)
  );

  always_ff @(posedge clk_i) begin
    if (step1_i.valid) begin
      sum0_q   <= sum0;
      sum1_q   <= sum1;
      scale0_q <= scale0;
      scale1_q <= scale1;
    end
  end

  // --- partial sums ---

  logic [255:0] acc_q [0:KvSlots-1];
  logic [255:0] shadow_q [0:KvSlots-1];
  logic [255:0] old, acc;
  logic [31:0]  value0, value1, new0, new1;
  logic [2:0]   at0, at1;

  assign at0 = step2_i.acc;
  assign at1 = step2_i.acc + 3'd1;

  if (KvSlots > 1) begin : gen_slots
    localparam int unsigned SlotBits = $clog2(KvSlots);
    logic [SlotBits-1:0] slot;
    assign slot    = step2_i.slot[SlotBits-1:0];
    assign old     = step2_i.first ? 256'h0 : acc_q[slot];
    assign parts_o = shadow_q[out_slot_i[SlotBits-1:0]];

    always_ff @(posedge clk_i) begin
      if (step2_i.valid) begin
        acc_q[slot] <= acc;
        if (step2_i.last) shadow_q[slot] <= acc;
      end
    end
  end else begin : gen_one
    assign old     = step2_i.first ? 256'h0 : acc_q[0];
    assign parts_o = shadow_q[0];

    always_ff @(posedge clk_i) begin
      if (step2_i.valid) begin
        acc_q[0] <= acc;
        if (step2_i.last) shadow_q[0] <= acc;
      end
    end
  end

  prim_i2f u_value0 (
    .x_i(sum0_q),
    .y_o(value0)
  );
  prim_i2f u_value1 (
    .x_i(sum1_q),
    .y_o(value1)
  );
  prim_fp32_mad u_mad0 (
    .a_i(value0),
    .b_i(scale0_q),
    .c_i(old[{at0, 5'h0}+:32]),
    .y_o(new0)
  );
  prim_fp32_mad u_mad1 (
    .a_i(value1),
    .b_i(scale1_q),
    .c_i(old[{at1, 5'h0}+:32]),
    .y_o(new1)
  );

  always_comb begin
    acc = old;
    acc[{at0, 5'h0}+:32] = new0;
    if (step2_i.two) acc[{at1, 5'h0}+:32] = new1;
  end

  logic unused_step;
  assign unused_step = ^{step1_i, step2_i, out_slot_i};
endmodule
