// SPDX-License-Identifier: MIT
//
// Walks a pass chunk by chunk and brings each chunk's operands together. Scratch and constant ROM
// have a port each and work side by side; per port and cycle one access: Lanes consecutive words, a
// word for the whole row (read once per row), or one element of a sparse row.
//
// Three stages: request, response (data at the port), operands. A chunk's token follows its last
// request, so operands are complete when the token reaches them. A stage holds while the one after
// it is occupied; read data waits at the port, which keeps it.

module ig1_vec_fetch
  import ig1_vec_pkg::*;
#(
  parameter int unsigned Lanes = 32,
  localparam int unsigned MemW = 32 * Lanes
) (
  input  logic              clk_i,
  input  logic              rst_ni,
  input  logic              abort_i,     // no further chunks
  input  logic              load_i,      // take next_cmd_i's addresses and counts
  // the sequencer has used the other fields
  /* verilator lint_off UNUSEDSIGNAL */
  input  ig1_pkg::cmd_vec_t next_cmd_i,
  input  ig1_pkg::cmd_vec_t cmd_i,       // the command under way, from the cycle after load_i
  /* verilator lint_on UNUSEDSIGNAL */
  output logic              idle_o,

  output logic              rd_valid_o,
  input  logic              rd_ready_i,
  output logic [31:0]       rd_addr_o,
  input  logic [MemW-1:0]   rd_data_i,

  output logic              crom_rd_o,
  output logic [31:0]       crom_addr_o,
  input  logic [MemW-1:0]   crom_data_i,

  output logic              op_valid_o,
  input  logic              op_ready_i,
  output chunk_t            op_chunk_o,
  output logic [MemW-1:0]   op_a_o,
  output logic [MemW-1:0]   op_b_o,
  output logic [MemW-1:0]   op_c_o,
  output logic [MemW-1:0]   op_d_o
);
  localparam int unsigned LaneBits = $clog2(Lanes);

  // One access on its way back.
  typedef struct packed {
    logic          valid;
    logic [3:0]    op;     // one-hot
    stride_class_e kind;
    logic [LaneBits-1:0] lane;
  } slot_t;

  // --- walk ---

  logic        active_q, active_d;
  logic [24:0] left0_q, left0_d;  // elements left in the row, this chunk included
  logic [24:0] left1_q, left1_d;  // rows left in the block
  logic [24:0] left2_q, left2_d;  // blocks left
  logic [3:0]  rem_q, rem_d;      // operands of the chunk not yet requested
  logic [3:0]  rem_after;
  logic [3:0]  sources, same, in_crom;
  chunk_t      chunk;
  logic        row_end, block_end, issue;

  assign sources = prim_vec_pkg::sources(cmd_i.op);
  assign in_crom = {cmd_i.sd, cmd_i.sc, cmd_i.sb, cmd_i.sa};

  stride_class_e [3:0] kinds;
  logic [3:0][31:0]    steps, addrs;

  assign kinds = {stride_class(cmd_i.d0), stride_class(cmd_i.c0), stride_class(cmd_i.b0),
                  stride_class(cmd_i.a0)};
  assign steps = {32'(cmd_i.d0), 32'(cmd_i.c0), 32'(cmd_i.b0), 32'(cmd_i.a0)};

  for (genvar k = 0; k < 4; k++) begin : gen_same
    assign same[k] = kinds[k] == ClassSame;
  end

  assign row_end    = left0_q <= 25'(Lanes);
  assign block_end  = row_end && (left1_q == 25'd1);
  assign chunk.n    = row_end ? left0_q[5:0] : 6'(Lanes);
  assign chunk.last = row_end;

  // --- requests: port 0 is scratch, port 1 constant ROM ---

  logic            tok_q, tok_d, op_full_q, op_full_d;
  chunk_t          tok_chunk_q, op_chunk_q;
  slot_t     [1:0] slot_q, slot_d;
  logic [1:0][3:0] want, pick;
  logic [1:0][4:0] lane_q, lane_d;
  stride_class_e [1:0] pick_kind;
  logic [1:0][31:0]    pick_addr;
  logic [1:0]      req_ok, req_valid, req_taken, req_last;
  logic [3:0]      taken, finished;
  logic            advance;

  // what is at the ports may go to the operand registers
  assign advance = !op_full_q || op_ready_i;

  assign want[0] = rem_q & ~in_crom;
  assign want[1] = rem_q & in_crom;

  for (genvar p = 0; p < 2; p++) begin : gen_port
    assign pick[p]      = want[p] & (~want[p] + 4'd1);
    assign req_ok[p]    = advance || (!slot_q[p].valid && !tok_q);
    assign req_valid[p] = active_q && (want[p] != 4'd0) && req_ok[p];

    always_comb begin
      pick_kind[p] = kinds[0];
      pick_addr[p] = addrs[0];
      for (int unsigned k = 1; k < 4; k++) begin
        if (pick[p][k]) begin
          pick_kind[p] = kinds[k];
          pick_addr[p] = addrs[k];
        end
      end
    end

    assign req_last[p] = (pick_kind[p] != ClassSparse) || (6'(lane_q[p]) + 6'd1 == chunk.n);

    always_comb begin
      slot_d[p] = slot_q[p];
      lane_d[p] = lane_q[p];
      if (advance) slot_d[p].valid = 1'b0;
      if (req_taken[p]) begin
        slot_d[p] = '{valid: 1'b1, op: pick[p], kind: pick_kind[p], lane: lane_q[p][LaneBits-1:0]};
        lane_d[p] = req_last[p] ? 5'd0 : lane_q[p] + 5'd1;
      end
      if (load_i) lane_d[p] = 5'd0;
    end
  end

  assign rd_valid_o  = req_valid[0];
  assign rd_addr_o   = pick_addr[0];
  assign crom_rd_o   = req_valid[1];
  assign crom_addr_o = pick_addr[1];
  assign req_taken   = {req_valid[1], req_valid[0] && rd_ready_i};

  assign taken    = (req_taken[0] ? pick[0] : 4'd0) | (req_taken[1] ? pick[1] : 4'd0);
  assign finished = (req_taken[0] && req_last[0] ? pick[0] : 4'd0) |
                    (req_taken[1] && req_last[1] ? pick[1] : 4'd0);

  assign rem_after = rem_q & ~finished;
  assign issue     = active_q && (rem_after == 4'd0) && (advance || !tok_q);

  // --- addresses ---

  for (genvar k = 0; k < 4; k++) begin : gen_agu
    logic [31:0] base, s1, s2;

    if (k == 0) begin : gen_a
      assign base = next_cmd_i.a;
      assign s1   = cmd_i.a1;
      assign s2   = cmd_i.a2;
    end else if (k == 1) begin : gen_b
      assign base = next_cmd_i.bb;
      assign s1   = cmd_i.b1;
      assign s2   = cmd_i.b2;
    end else if (k == 2) begin : gen_c
      assign base = next_cmd_i.c;
      assign s1   = cmd_i.c1;
      assign s2   = cmd_i.c2;
    end else begin : gen_d
      assign base = next_cmd_i.dd;
      assign s1   = cmd_i.d1;
      assign s2   = cmd_i.d2;
    end

    ig1_vec_agu u_agu (
      .clk_i        (clk_i),
      .load_i       (load_i),
      .base_i       (base),
      .step_i       (taken[k] && !same[k]),
      .step_bytes_i ((kinds[k] == ClassDense) ? 32'(4 * Lanes) : steps[k] << 2),
      .row_i        (issue && row_end && !block_end),
      .row_bytes_i  (s1 << 2),
      .block_i      (issue && block_end),
      .block_bytes_i(s2 << 2),
      .addr_o       (addrs[k])
    );
  end

  always_comb begin
    active_d = active_q;
    left0_d  = left0_q;
    left1_d  = left1_q;
    left2_d  = left2_q;
    rem_d    = rem_after;
    if (issue) begin
      // what is the same for the whole row stays in the operand registers
      rem_d   = row_end ? sources : sources & ~same;
      left0_d = row_end ? cmd_i.n0[24:0] : left0_q - 25'(Lanes);
      if (row_end)   left1_d = block_end ? cmd_i.n1[24:0] : left1_q - 25'd1;
      if (block_end) left2_d = left2_q - 25'd1;
      if (block_end && (left2_q == 25'd1)) active_d = 1'b0;
    end
    // a request that waits must be kept up
    if (abort_i && (!rd_valid_o || rd_ready_i)) active_d = 1'b0;
    if (load_i) begin
      active_d = 1'b1;
      left0_d  = next_cmd_i.n0[24:0];
      left1_d  = next_cmd_i.n1[24:0];
      left2_d  = next_cmd_i.n2[24:0];
      rem_d    = prim_vec_pkg::sources(next_cmd_i.op);
    end
  end

  always_comb begin
    tok_d     = issue || (tok_q && !advance);
    op_full_d = op_full_q && !op_ready_i;
    if (advance && tok_q) op_full_d = 1'b1;
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      active_q  <= 1'b0;
      tok_q     <= 1'b0;
      op_full_q <= 1'b0;
      slot_q    <= '0;
      lane_q    <= '0;
    end else begin
      active_q  <= active_d;
      tok_q     <= tok_d;
      op_full_q <= op_full_d;
      slot_q    <= slot_d;
      lane_q    <= lane_d;
    end
  end

  always_ff @(posedge clk_i) begin
    left0_q <= left0_d;
    left1_q <= left1_d;
    left2_q <= left2_d;
    rem_q   <= rem_d;
    if (issue) tok_chunk_q <= chunk;
    if (advance && tok_q) op_chunk_q <= tok_chunk_q;
  end

  // --- operand registers ---

  logic [MemW-1:0] op_q [0:3];

  for (genvar k = 0; k < 4; k++) begin : gen_op
    logic          from_crom, write;
    slot_t         slot;
    logic [31:0]   word;

    assign from_crom = in_crom[k];
    assign slot      = from_crom ? slot_q[1] : slot_q[0];
    assign write     = advance && slot.valid && slot.op[k];
    assign word      = from_crom ? crom_data_i[31:0] : rd_data_i[31:0];

    always_ff @(posedge clk_i) begin
      if (write) begin
        case (slot.kind)
          ClassDense: op_q[k] <= from_crom ? crom_data_i : rd_data_i;
          ClassSame:  op_q[k] <= {Lanes{word}};
          default:    op_q[k][{slot.lane, 5'h0}+:32] <= word;
        endcase
      end
    end
  end

  assign op_valid_o = op_full_q;
  assign op_chunk_o = op_chunk_q;
  assign op_a_o     = op_q[0];
  assign op_b_o     = op_q[1];
  assign op_c_o     = op_q[2];
  assign op_d_o     = op_q[3];
  assign idle_o     = !active_q && !tok_q && !op_full_q;

`ifndef SYNTHESIS
  logic in_reset;
  assign in_reset = !rst_ni;

  CountsNotZero_A: assert property (@(posedge clk_i) disable iff (in_reset)
    load_i |-> (next_cmd_i.n0 != 0) && (next_cmd_i.n1 != 0) && (next_cmd_i.n2 != 0))
    else $error("a count is zero");
  LoadWhenIdle_A: assert property (@(posedge clk_i) disable iff (in_reset) load_i |-> idle_o)
    else $error("loaded while at work");
`endif
endmodule
