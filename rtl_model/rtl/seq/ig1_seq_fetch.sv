// SPDX-License-Identifier: MIT
// Command fetch: a direct-mapped cache of commands, filled ahead of the wanted index.
//
// want_i with idx_i held: hit_o with cmd_o, or fault_o, some cycles later. A fill that faults is
// forgotten unless its command is the wanted one, so that running ahead has no effect of its own.
// flush_i empties the cache (start of a job); it must stay low while requests are in flight, which
// idle_o tells.

module ig1_seq_fetch #(
    parameter int unsigned MemBytes = 128,
    parameter int unsigned CacheCmds = 256,
    parameter int unsigned Ahead = 8
) (
    input  logic                  clk_i,
    input  logic                  rst_ni,
    input  logic                  flush_i,
    input  logic [          63:0] prog_va_i,
    input  logic [          31:0] prog_len_i,
    input  logic                  want_i,
    input  logic [          31:0] idx_i,
    output logic                  hit_o,
    output logic [        1023:0] cmd_o,
    output logic                  fault_o,
    output logic [           7:0] fault_code_o,
    output logic                  idle_o,
    // memory client
    output logic                  req_valid_o,
    input  logic                  req_ready_i,
    output logic [          63:0] req_va_o,
    input  logic                  rsp_valid_i,
    input  logic [8*MemBytes-1:0] rsp_data_i,
    input  logic [           7:0] rsp_fault_i
);
  localparam int unsigned Beats = ig1_pkg::CmdBytes / MemBytes;
  localparam int unsigned BeatW = Beats > 1 ? $clog2(Beats) : 1;
  localparam int unsigned SlotW = $clog2(CacheCmds);
  localparam int unsigned TagW = 32 - SlotW;
  localparam int unsigned MaxFlight = 8;
  localparam logic [BeatW-1:0] LastBeat = BeatW'(Beats - 1);

  logic [1023:0] cache[CacheCmds];
  logic [TagW-1:0] tag[CacheCmds];
  logic [CacheCmds-1:0] valid_q;

  logic [31:0] fill_q, fill_d;  // next index to ask for
  logic [BeatW-1:0] req_beat_q, req_beat_d;
  logic [31:0] back_q, back_d;  // index of the next response
  logic [BeatW-1:0] rsp_beat_q, rsp_beat_d;
  logic [3:0] flight_q, flight_d;
  logic [1023:0] part_q, part_d;
  logic bad_q, bad_d;  // a beat of the command being received faulted
  logic [7:0] bad_code_q, bad_code_d;

  logic [SlotW-1:0] want_slot, back_slot;
  logic present, restart, req_fire, cmd_done, cmd_ok;
  logic [1023:0] whole;

  assign want_slot = idx_i[SlotW-1:0];
  assign back_slot = back_q[SlotW-1:0];
  assign present = valid_q[want_slot] && tag[want_slot] == idx_i[31:SlotW];
  assign hit_o = want_i && present;
  assign cmd_o = cache[want_slot];
  assign idle_o = flight_q == 4'd0;

  // Ask for commands in order from fill_q; jump when the wanted one is neither there nor coming.
  assign restart = want_i && !present && flight_q == 4'd0 && req_beat_q == '0 && fill_q != idx_i;
  assign req_valid_o = !flush_i && !restart && flight_q < 4'(MaxFlight) &&
      (req_beat_q != '0 || (want_i && fill_q < prog_len_i && fill_q - idx_i < 32'(Ahead) &&
      !(valid_q[fill_q[SlotW-1:0]] && tag[fill_q[SlotW-1:0]] == fill_q[31:SlotW])));
  assign req_va_o = prog_va_i + {25'b0, fill_q, 7'b0} + 64'(32'(req_beat_q) * 32'(MemBytes));
  assign req_fire = req_valid_o && req_ready_i;

  if (Beats > 1) begin : gen_beats
    assign whole = {rsp_data_i, part_q[1023:8*MemBytes]};
  end else begin : gen_one
    assign whole = rsp_data_i;
  end
  assign cmd_done = rsp_valid_i && rsp_beat_q == LastBeat;
  assign cmd_ok = cmd_done && !bad_q && rsp_fault_i == 8'd0;
  assign fault_o = cmd_done && !cmd_ok && want_i && !present && back_q == idx_i;
  assign fault_code_o = bad_q ? bad_code_q : rsp_fault_i;

  always_comb begin
    fill_d = fill_q;
    req_beat_d = req_beat_q;
    back_d = back_q;
    rsp_beat_d = rsp_beat_q;
    part_d = part_q;
    bad_d = bad_q;
    bad_code_d = bad_code_q;
    flight_d = flight_q + {3'b0, req_fire} - {3'b0, rsp_valid_i};
    if (restart) begin
      fill_d = idx_i;
      back_d = idx_i;
    end
    if (req_fire) begin
      req_beat_d = req_beat_q == LastBeat ? '0 : req_beat_q + BeatW'(1);
      if (req_beat_q == LastBeat) fill_d = fill_q + 32'd1;
    end
    if (rsp_valid_i) begin
      part_d = whole;
      rsp_beat_d = rsp_beat_q == LastBeat ? '0 : rsp_beat_q + BeatW'(1);
      if (rsp_fault_i != 8'd0 && !bad_q) begin
        bad_d = 1'b1;
        bad_code_d = rsp_fault_i;
      end
      if (cmd_done) begin
        bad_d  = 1'b0;
        back_d = back_q + 32'd1;
      end
    end
    if (flush_i) begin
      fill_d = '0;
      back_d = '0;
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      fill_q <= '0;
      back_q <= '0;
      req_beat_q <= '0;
      rsp_beat_q <= '0;
      flight_q <= '0;
      bad_q <= 1'b0;
      bad_code_q <= '0;
      valid_q <= '0;
    end else begin
      fill_q <= fill_d;
      back_q <= back_d;
      req_beat_q <= req_beat_d;
      rsp_beat_q <= rsp_beat_d;
      flight_q <= flight_d;
      bad_q <= bad_d;
      bad_code_q <= bad_code_d;
      if (flush_i) valid_q <= '0;
      else if (cmd_ok) valid_q[back_slot] <= 1'b1;
    end
  end

  always_ff @(posedge clk_i) begin
    if (Beats > 1) part_q <= part_d;
    if (cmd_ok) begin
      cache[back_slot] <= whole;
      tag[back_slot]   <= back_q[31:SlotW];
    end
  end

`ifndef SYNTHESIS
  FlushIdle :
  assert property (@(posedge clk_i) disable iff (!rst_ni) flush_i |-> flight_q == 4'd0);
  FlightBound :
  assert property (@(posedge clk_i) disable iff (!rst_ni) flight_q <= 4'(MaxFlight));
`endif
endmodule
