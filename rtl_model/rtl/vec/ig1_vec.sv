// SPDX-License-Identifier: MIT
//
// Vector unit: one pass at a time, as resolved and checked by the sequencer. Chunks of up to
// Lanes elements flow from ig1_vec_fetch through one of Alus ALUs to ig1_vec_sink; the ALUs take
// turns, so that a long operation has several chunks under way and the order stays.
//
// Sources of a command may be its destination element for element; what else overlaps is read
// before or after it is written. A command of one chunk and one operand takes six cycles from
// acceptance to done_o plus the operation's latency less one.

module ig1_vec
  import ig1_vec_pkg::*;
#(
  parameter int unsigned Lanes = 32,
  parameter int unsigned Alus  = 4,
  localparam int unsigned MemW = 32 * Lanes
) (
  input  logic             clk_i,
  input  logic             rst_ni,
  input  logic [7:0]       chip_i,

  input  logic             cmd_valid_i,
  output logic             cmd_ready_o,
  input  logic [1023:0]    cmd_i,
  output logic             done_o,
  output logic [7:0]       fault_o,
  output logic [63:0]      fault_addr_o,
  input  logic             abort_i,
  output logic [31:0]      stat_elems_o,

  output logic             rd_valid_o,
  input  logic             rd_ready_i,
  output logic [31:0]      rd_addr_o,
  input  logic [MemW-1:0]  rd_data_i,
  output logic             wr_valid_o,
  input  logic             wr_ready_i,
  output logic [31:0]      wr_addr_o,
  output logic [MemW-1:0]  wr_data_o,
  output logic [Lanes-1:0] wr_mask_o
);
  localparam int unsigned AluBits = (Alus > 1) ? $clog2(Alus) : 1;

  // --- command ---

  logic              busy_q, busy_d, first_q, accept, all_idle;
  /* verilator lint_off UNUSEDSIGNAL */  // header and registers are the sequencer's
  ig1_pkg::cmd_vec_t cmd_q, next_cmd;
  /* verilator lint_on UNUSEDSIGNAL */

  assign next_cmd    = cmd_i;
  assign cmd_ready_o = !busy_q;
  assign accept      = cmd_valid_i && cmd_ready_o;
  assign busy_d      = accept || (busy_q && !all_idle);

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      busy_q  <= 1'b0;
      first_q <= 1'b0;
    end else begin
      busy_q  <= busy_d;
      first_q <= accept;
    end
  end

  always_ff @(posedge clk_i) begin
    if (accept) cmd_q <= next_cmd;
  end

  // --- operands ---

  logic            fetch_idle, op_valid, op_ready, crom_rd;
  chunk_t          op_chunk;
  logic [31:0]     crom_addr;
  logic [MemW-1:0] crom_data, op_a, op_b, op_c, op_d;

  ig1_vec_fetch #(
    .Lanes(Lanes)
  ) u_fetch (
    .clk_i      (clk_i),
    .rst_ni     (rst_ni),
    .abort_i    (abort_i),
    .load_i     (accept),
    .next_cmd_i (next_cmd),
    .cmd_i      (cmd_q),
    .idle_o     (fetch_idle),
    .rd_valid_o (rd_valid_o),
    .rd_ready_i (rd_ready_i),
    .rd_addr_o  (rd_addr_o),
    .rd_data_i  (rd_data_i),
    .crom_rd_o  (crom_rd),
    .crom_addr_o(crom_addr),
    .crom_data_i(crom_data),
    .op_valid_o (op_valid),
    .op_ready_i (op_ready),
    .op_chunk_o (op_chunk),
    .op_a_o     (op_a),
    .op_b_o     (op_b),
    .op_c_o     (op_c),
    .op_d_o     (op_d)
  );

  prim_crom #(
    .Lanes(Lanes)
  ) u_crom (
    .clk_i (clk_i),
    .chip_i(chip_i),
    .rd_i  (crom_rd),
    .addr_i(crom_addr),
    .data_o(crom_data)
  );

  // --- ALUs, in turns ---

  logic [Alus-1:0]    alu_ready, alu_done, alu_start, alu_take;
  logic [AluBits-1:0] in_q, out_q;  // whose turn it is
  logic [MemW-1:0]    alu_y [0:Alus-1];
  chunk_t             alu_chunk_q [0:Alus-1];
  logic               start, take, sink_ready;

  assign op_ready = alu_ready[in_q];
  assign start    = op_valid && op_ready;
  assign take     = alu_done[out_q] && sink_ready;

  for (genvar i = 0; i < Alus; i++) begin : gen_alu
    assign alu_start[i] = op_valid && (in_q == AluBits'(i));
    assign alu_take[i]  = take && (out_q == AluBits'(i));

    prim_vec_alu #(
      .Lanes(Lanes)
    ) u_alu (
      .clk_i  (clk_i),
      .rst_ni (rst_ni),
      .start_i(alu_start[i]),
      .ready_o(alu_ready[i]),
      .op_i   (cmd_q.op),
      .n_i    (op_chunk.n),
      .a_i    (op_a),
      .b_i    (op_b),
      .c_i    (op_c),
      .d_i    (op_d),
      .alpha_i(cmd_q.alpha),
      .beta_i (cmd_q.beta),
      .done_o (alu_done[i]),
      .take_i (alu_take[i]),
      .y_o    (alu_y[i])
    );

    always_ff @(posedge clk_i) begin
      if (alu_start[i] && alu_ready[i]) alu_chunk_q[i] <= op_chunk;
    end
  end

  function automatic logic [AluBits-1:0] next_turn(logic [AluBits-1:0] i);
    next_turn = (i == AluBits'(Alus - 1)) ? '0 : i + AluBits'(1);
  endfunction

  logic [4:0] inside_q, inside_d;  // chunks in the ALUs

  assign inside_d = inside_q + 5'(start) - 5'(take);

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      in_q     <= '0;
      out_q    <= '0;
      inside_q <= 5'd0;
    end else begin
      if (start) in_q <= next_turn(in_q);
      if (take) out_q <= next_turn(out_q);
      inside_q <= inside_d;
    end
  end

  // --- results ---

  logic sink_idle;

  ig1_vec_sink #(
    .Lanes(Lanes)
  ) u_sink (
    .clk_i     (clk_i),
    .rst_ni    (rst_ni),
    .load_i    (accept),
    .next_cmd_i(next_cmd),
    .clear_i   (first_q),
    .cmd_i     (cmd_q),
    .idle_o    (sink_idle),
    .in_valid_i(alu_done[out_q]),
    .in_ready_o(sink_ready),
    .chunk_i   (alu_chunk_q[out_q]),
    .data_i    (alu_y[out_q]),
    .wr_valid_o(wr_valid_o),
    .wr_ready_i(wr_ready_i),
    .wr_addr_o (wr_addr_o),
    .wr_data_o (wr_data_o),
    .wr_mask_o (wr_mask_o)
  );

  assign all_idle     = fetch_idle && (inside_q == 5'd0) && sink_idle && !wr_valid_o;
  assign done_o       = busy_q && all_idle;
  assign fault_o      = ig1_pkg::FaultNone;
  assign fault_addr_o = 64'h0;
  assign stat_elems_o = start ? 32'(op_chunk.n) : 32'h0;

`ifndef SYNTHESIS
  logic in_reset;
  assign in_reset = !rst_ni;

  CmdStable_A: assert property (@(posedge clk_i) disable iff (in_reset)
    cmd_valid_i && !cmd_ready_o |=> cmd_valid_i && $stable(cmd_i))
    else $error("command changed while it waited");
`endif
endmodule
