// SPDX-License-Identifier: MIT
// Sequencer: runs one job. Fetches commands in order, executes those of its own, checks the others
// with their operands resolved and hands them to the engines' queues. See docs/isa.md for what a
// command means and rtl/README.md for the ports.
//
// Faults: the one lowest in issue order wins. Once one is known nothing more is issued, younger
// commands are dropped from the queues, older ones run to their end, then the job ends. Watchdog and
// abort drop everything and tell the engines to stop.

module ig1_seq #(
    parameter int unsigned MemBytes = 128,
    parameter int unsigned Lanes = 32,
    parameter int unsigned ScratchBytes = 524288,
    parameter int unsigned CacheCmds = 256,
    parameter int unsigned QueueDepth = 4
) (
    input  logic                  clk_i,
    input  logic                  rst_ni,
    // job
    input  logic                  launch_i,
    input  logic                  clear_i,         // with launch_i: zero scratch first
    input  logic                  abort_i,
    input  logic [63:0]           prog_va_i,
    input  logic [31:0]           prog_len_i,
    input  logic [63:0]           emit_va_i,
    input  logic [31:0]           emit_entries_i,
    input  logic [63:0]           trace_va_i,
    input  logic [31:0]           trace_entries_i,
    input  logic [63:0]           watchdog_i,
    input  logic [7:0][63:0]      args_i,
    input  logic [63:0]           rom_bytes_i,
    input  logic [63:0]           crom_bytes_i,
    output logic                  busy_o,
    output logic                  done_o,          // one cycle; what follows is valid until the next launch
    output logic [7:0]            fault_o,
    output logic [63:0]           fault_addr_o,
    output logic [31:0]           fault_index_o,
    output logic [31:0]           emitted_o,
    output logic [31:0]           traced_o,
    output logic [ig1_pkg::Counters-1:0][63:0] counters_o,
    output logic                  tlb_flush_o,
    input  logic                  tlb_miss_i,      // one cycle per walk
    input  logic                  walk_busy_i,
    // engines, in the order of their codes: 0 tile, 1 vec, 2 dma
    output logic [2:0]            eng_valid_o,
    input  logic [2:0]            eng_ready_i,
    output logic [2:0][1023:0]    eng_cmd_o,
    input  logic [2:0]            eng_done_i,
    input  logic [2:0][7:0]       eng_fault_i,
    input  logic [2:0][63:0]      eng_fault_addr_i,
    output logic                  eng_abort_o,
    input  logic [31:0]           stat_macs_i,
    input  logic [31:0]           stat_rom_bytes_i,
    input  logic [31:0]           stat_kv_bytes_i,
    input  logic [31:0]           stat_vec_elems_i,
    input  logic [31:0]           stat_dma_bytes_i,
    // scratch client
    output logic                  rd_valid_o,
    input  logic                  rd_ready_i,
    output logic [31:0]           rd_addr_o,
    /* verilator lint_off UNUSEDSIGNAL */
    input  logic [8*MemBytes-1:0] rd_data_i,       // a register takes the first 64 bits
    /* verilator lint_on UNUSEDSIGNAL */
    output logic                  wr_valid_o,
    input  logic                  wr_ready_i,
    output logic [31:0]           wr_addr_o,
    output logic [8*MemBytes-1:0] wr_data_o,
    output logic [Lanes-1:0]      wr_mask_o,
    // memory client: fetch (reads)
    output logic                  f_req_valid_o,
    input  logic                  f_req_ready_i,
    output logic [63:0]           f_req_va_o,
    input  logic                  f_rsp_valid_i,
    input  logic [8*MemBytes-1:0] f_rsp_data_i,
    input  logic [7:0]            f_rsp_fault_i,
    // memory client: records (writes)
    output logic                  w_req_valid_o,
    input  logic                  w_req_ready_i,
    output logic [63:0]           w_req_va_o,
    output logic [7:0]            w_req_bytes_o,
    output logic [8*MemBytes-1:0] w_req_data_o,
    input  logic                  w_rsp_valid_i,
    input  logic [7:0]            w_rsp_fault_i
);
  localparam int unsigned Depth = ig1_pkg::LoopDepth;
  localparam int unsigned DepthW = $clog2(Depth + 1);

  typedef enum logic [3:0] {
    StIdle,
    StClear,
    StFetch,
    StDecode,
    StCheck,
    StRange,
    StSeqWait,
    StSeqExec,
    StLoad,
    StEmit,
    StSync,
    StDrain,
    StFinish
  } state_e;

  // ---------------------------------------------------------------- state
  state_e state_q, state_d;
  logic [31:0] pc_q, pc_d;
  logic [31:0] order_q, order_d;
  logic [1023:0] cmd_q;
  logic [31:0][63:0] regs_q;
  logic [DepthW-1:0] depth_q, depth_d;
  logic [Depth-1:0][31:0] lp_start_q, lp_end_q, lp_start_d, lp_end_d;
  logic [Depth-1:0][24:0] lp_count_q, lp_iter_q, lp_count_d, lp_iter_d;
  logic [Depth-1:0][4:0] lp_rd_q, lp_rd_d;
  logic [15:0][8:0] acct_q, acct_d;  // gifts minus takes, in program order
  logic [15:0][15:0] given_q, given_d;  // gifts made
  logic [15:0][15:0] taken_q, taken_d;  // takes issued: the next ticket
  logic [2:0] opnd_q, opnd_d;
  logic [31:0] clear_q, clear_d;
  logic [47:0] now_q;
  logic abort_q, abort_d;

  logic fault_q, fault_d;
  logic [7:0] fault_code_q, fault_code_d;
  logic [63:0] fault_addr_q, fault_addr_d;
  logic [31:0] fault_index_q, fault_index_d, fault_order_q, fault_order_d;


  // ---------------------------------------------------------------- command in hand
  // the other formats' fields of the word are read in u_resolve
  /* verilator lint_off UNUSEDSIGNAL */
  ig1_pkg::cmd_seq_t sc;
  /* verilator lint_on UNUSEDSIGNAL */
  ig1_pkg::engine_e engine;
  logic [31:0] bad_words;
  logic [1:0] eng;
  logic is_seq;
  logic [63:0] ra, rbi, mem_addr;
  assign sc = ig1_pkg::cmd_seq_t'(cmd_q);
  assign engine = ig1_pkg::op_engine(sc.op);
  assign is_seq = engine == ig1_pkg::EngineSeq;
  assign eng = 2'(engine) - 2'd1;
  always_comb begin
    bad_words = '0;
    if (state_q == StDecode) bad_words = ig1_pkg::bad_words(cmd_q);
  end
  assign ra = regs_q[sc.ra];
  assign rbi = regs_q[sc.rb] + sc.imm;
  assign mem_addr = sc.imm + ra;

  logic [1023:0] rcmd;
  logic chk_bad, chk_zero, op_last, op_used;
  logic [7:0] chk_code, op_fault;
  logic [63:0] chk_addr, op_base, op_low, op_limit;
  logic [2:0][24:0] op_n;
  logic [2:0][39:0] op_step;
  logic [39:0] op_tail;
  logic op_bad;

  logic resolve;
  assign resolve = state_q == StCheck || state_q == StRange;

  ig1_seq_resolve u_resolve (
      .en_i        (resolve),
      .cmd_i       (cmd_q),
      .regs_i      (regs_q),
      .cmd_o       (rcmd),
      .bad_o       (chk_bad),
      .bad_code_o  (chk_code),
      .bad_addr_o  (chk_addr),
      .zero_o      (chk_zero),
      .opnd_i      (opnd_q),
      .opnd_last_o (op_last),
      .opnd_used_o (op_used),
      .opnd_fault_o(op_fault),
      .opnd_base_o (op_base),
      .opnd_n_o    (op_n),
      .opnd_step_o (op_step),
      .opnd_tail_o (op_tail)
  );

  always_comb begin
    case (op_fault)
      ig1_pkg::FaultRom: op_limit = rom_bytes_i;
      ig1_pkg::FaultCrom: op_limit = crom_bytes_i;
      default: op_limit = 64'(ScratchBytes);
    endcase
  end

  ig1_seq_range u_range (
      .en_i   (state_q == StRange),
      .base_i (op_base),
      .n_i    (op_n),
      .step_i (op_step),
      .tail_i (op_tail),
      .limit_i(op_limit),
      .bad_o  (op_bad),
      .low_o  (op_low)
  );

  // ---------------------------------------------------------------- fetch
  logic f_want, f_hit, f_fault, f_idle;
  logic [1023:0] f_cmd;
  logic [7:0] f_code;

  ig1_seq_fetch #(
      .MemBytes (MemBytes),
      .CacheCmds(CacheCmds)
  ) u_fetch (
      .clk_i,
      .rst_ni,
      .flush_i     (launch_i),
      .prog_va_i,
      .prog_len_i,
      .want_i      (f_want),
      .idx_i       (pc_q),
      .hit_o       (f_hit),
      .cmd_o       (f_cmd),
      .fault_o     (f_fault),
      .fault_code_o(f_code),
      .idle_o      (f_idle),
      .req_valid_o (f_req_valid_o),
      .req_ready_i (f_req_ready_i),
      .req_va_o    (f_req_va_o),
      .rsp_valid_i (f_rsp_valid_i),
      .rsp_data_i  (f_rsp_data_i),
      .rsp_fault_i (f_rsp_fault_i)
  );
  // also while a command is being worked on: the fetch runs ahead of it
  assign f_want = state_q != StIdle && state_q != StClear && state_q != StDrain &&
      state_q != StFinish && pc_q < prog_len_i;

  // ---------------------------------------------------------------- queues
  logic [2:0] q_push, q_full, q_empty, q_done, q_fault, q_busy;
  logic [2:0][15:0] q_signal;
  logic [2:0][7:0] q_code, q_op;
  logic [2:0][63:0] q_addr;
  logic [2:0][31:0] q_index, q_order;
  logic [2:0][47:0] q_issue, q_start;
  logic trace_stall, q_nop, q_drop;
  assign q_drop = fault_q;

  for (genvar e = 0; e < 3; e++) begin : gen_queue
    ig1_seq_queue #(
        .Depth(QueueDepth)
    ) u_queue (
        .clk_i,
        .rst_ni,
        .push_i          (q_push[e]),
        .full_o          (q_full[e]),
        .empty_o         (q_empty[e]),
        .cmd_i           (rcmd),
        .nop_i           (q_nop),
        .index_i         (pc_q),
        .order_i         (order_q),
        .ticket_i        (taken_q),
        .now_i           (now_q),
        .given_i         (given_q),
        .drop_i          (q_drop),
        .drop_order_i    (fault_order_q),
        .hold_i          (trace_stall),
        .eng_valid_o     (eng_valid_o[e]),
        .eng_ready_i     (eng_ready_i[e]),
        .eng_cmd_o       (eng_cmd_o[e]),
        .eng_done_i      (eng_done_i[e]),
        .eng_fault_i     (eng_fault_i[e]),
        .eng_fault_addr_i(eng_fault_addr_i[e]),
        .done_o          (q_done[e]),
        .signal_o        (q_signal[e]),
        .fault_o         (q_fault[e]),
        .fault_code_o    (q_code[e]),
        .fault_addr_o    (q_addr[e]),
        .index_o         (q_index[e]),
        .order_o         (q_order[e]),
        .opcode_o        (q_op[e]),
        .issue_o         (q_issue[e]),
        .start_o         (q_start[e]),
        .busy_o          (q_busy[e])
    );
  end

  // ---------------------------------------------------------------- records
  logic em_req, em_done, em_full, wr_idle;
  logic [7:0] em_fault;
  logic [63:0] em_va;
  logic [2:0][255:0] trace_rec;
  for (genvar e = 0; e < 3; e++) begin : gen_trace
    assign trace_rec[e] = {16'd0, now_q, 16'd0, q_start[e], 16'd0, q_issue[e], 8'd0, q_op[e],
        16'(e + 1), q_index[e]};
  end

  ig1_seq_writer #(
      .MemBytes(MemBytes)
  ) u_writer (
      .clk_i,
      .rst_ni,
      .start_i        (launch_i),
      .emit_va_i,
      .emit_entries_i,
      .trace_va_i,
      .trace_entries_i,
      .emit_i         (em_req),
      .emit_value_i   (ra[31:0]),
      .emit_slot_i    (regs_q[sc.rb][15:0]),
      .emit_kind_i    (sc.kind),
      .emit_done_o    (em_done),
      .emit_fault_o   (em_fault),
      .emit_va_o      (em_va),
      .emit_full_o    (em_full),
      .emitted_o,
      .trace_i        (q_done),
      .trace_rec_i    (trace_rec),
      .trace_stall_o  (trace_stall),
      .traced_o,
      .idle_o         (wr_idle),
      .req_valid_o    (w_req_valid_o),
      .req_ready_i    (w_req_ready_i),
      .req_va_o       (w_req_va_o),
      .req_bytes_o    (w_req_bytes_o),
      .req_data_o     (w_req_data_o),
      .rsp_valid_i    (w_rsp_valid_i),
      .rsp_fault_i    (w_rsp_fault_i)
  );

  // ---------------------------------------------------------------- tokens
  logic tok_bad;
  logic [3:0] tok_num;
  logic [15:0][8:0] tok_acct;
  logic seq_ready;
  logic [15:0] seq_signal;
  always_comb begin
    tok_bad = 1'b0;
    tok_num = '0;
    tok_acct = acct_q;
    if (state_q == StDecode && (sc.wait_mask | sc.signal_mask) != 16'd0) begin
      for (int unsigned t = 0; t < 16; t++) begin
        if (sc.wait_mask[t]) begin
          if (acct_q[t] == 9'd0 && !tok_bad) begin
            tok_bad = 1'b1;
            tok_num = 4'(t);
          end
          tok_acct[t] = acct_q[t] - 9'd1;
        end
      end
      for (int unsigned t = 0; t < 16; t++) begin
        if (sc.signal_mask[t]) begin
          if (tok_acct[t] == 9'(ig1_pkg::TokenMax) && !tok_bad) begin
            tok_bad = 1'b1;
            tok_num = 4'(t);
          end
          tok_acct[t] = tok_acct[t] + 9'd1;
        end
      end
    end
    // a sequencer command's tickets are the counts before it
    seq_ready = 1'b1;
    if ((state_q == StDecode || state_q == StSeqWait) && sc.wait_mask != 16'd0)
      for (int unsigned t = 0; t < 16; t++)
        if (sc.wait_mask[t] && (given_q[t] == taken_q[t] ||
            16'(given_q[t] - taken_q[t]) >= 16'h8000)) seq_ready = 1'b0;
    given_d = given_q;
    if ((q_signal[0] | q_signal[1] | q_signal[2] | seq_signal) != 16'd0)
      for (int unsigned t = 0; t < 16; t++)
        given_d[t] = given_q[t] + 16'(q_signal[0][t]) + 16'(q_signal[1][t]) +
            16'(q_signal[2][t]) + 16'(seq_signal[t]);
    if (launch_i) given_d = '0;
  end

  // ---------------------------------------------------------------- sequencer operations
  logic [63:0] alu;
  logic cond;
  logic [32:0] jump;
  logic [31:0] body_limit;
  assign jump = {1'b0, pc_q} + 33'd1 + {1'b0, sc.len};
  always_comb begin
    case (sc.alu)
      ig1_pkg::AluopAdd: alu = ra + rbi;
      ig1_pkg::AluopSub: alu = ra - rbi;
      ig1_pkg::AluopMul: alu = ra * rbi;
      ig1_pkg::AluopShl: alu = ra << rbi[5:0];
      ig1_pkg::AluopShr: alu = ra >> rbi[5:0];
      ig1_pkg::AluopAnd: alu = ra & rbi;
      ig1_pkg::AluopOr: alu = ra | rbi;
      ig1_pkg::AluopMin: alu = ra < rbi ? ra : rbi;
      default: alu = ra > rbi ? ra : rbi;
    endcase
    case (sc.cond)
      ig1_pkg::CondAlways: cond = 1'b1;
      ig1_pkg::CondEq: cond = ra == rbi;
      ig1_pkg::CondNe: cond = ra != rbi;
      ig1_pkg::CondLt: cond = ra < rbi;
      default: cond = ra >= rbi;
    endcase
    body_limit = prog_len_i;
    for (int unsigned i = 0; i < Depth; i++)
      if (depth_q == DepthW'(i + 1)) body_limit = lp_end_q[i];
  end

  // ---------------------------------------------------------------- control
  logic seq_fault;
  logic [7:0] seq_code;
  logic [63:0] seq_addr;
  logic advance;  // the command is issued or executed: go on at next_pc
  logic [31:0] next_pc;
  logic reg_we, lp_we, lp_push, lp_pop;
  logic [63:0] reg_wd;
  logic [4:0] lp_wr;
  logic [24:0] lp_wd;
  logic stall;

  always_comb begin
    state_d = state_q;
    opnd_d = opnd_q;
    clear_d = clear_q;
    order_d = order_q;
    acct_d = acct_q;
    taken_d = taken_q;
    seq_fault = 1'b0;
    seq_code = ig1_pkg::FaultNone;
    seq_addr = '0;
    advance = 1'b0;
    next_pc = pc_q + 32'd1;
    reg_we = 1'b0;
    reg_wd = '0;
    lp_push = 1'b0;
    lp_pop = 1'b0;
    q_push = '0;
    q_nop = chk_zero;
    seq_signal = '0;
    em_req = 1'b0;
    stall = 1'b0;
    done_o = 1'b0;
    tlb_flush_o = 1'b0;
    rd_valid_o = 1'b0;
    rd_addr_o = mem_addr[31:0];
    wr_valid_o = 1'b0;
    wr_addr_o = mem_addr[31:0];
    wr_data_o = '0;
    wr_mask_o = '0;

    unique case (state_q)
      StIdle: begin
        if (launch_i) begin
          tlb_flush_o = 1'b1;
          clear_d = '0;
          order_d = '0;
          acct_d = '0;
          taken_d = '0;
          state_d = clear_i ? StClear : StFetch;
        end
      end

      StClear: begin
        wr_valid_o = 1'b1;
        wr_addr_o  = clear_q;
        wr_data_o  = '0;
        wr_mask_o  = '1;
        if (wr_ready_i) begin
          clear_d = clear_q + 32'(MemBytes);
          if (clear_q == 32'(ScratchBytes - MemBytes)) state_d = StFetch;
        end
      end

      StFetch: begin
        if (pc_q >= prog_len_i) begin
          seq_fault = 1'b1;
          seq_code  = ig1_pkg::FaultProg;
        end else if (f_hit) begin
          state_d = StDecode;
        end else if (f_fault) begin
          seq_fault = 1'b1;
          seq_code  = f_code;
          seq_addr  = prog_va_i + {25'b0, pc_q, 7'b0};
        end else begin
          stall = 1'b1;
        end
      end

      StDecode: begin
        if (!ig1_pkg::op_known(sc.op)) begin
          seq_fault = 1'b1;
          seq_code  = ig1_pkg::FaultOpcode;
        end else if (bad_words != 32'd0) begin
          seq_fault = 1'b1;
          seq_code  = ig1_pkg::FaultField;
          for (int i = 31; i >= 0; i--) if (bad_words[i]) seq_addr = 64'(i);
        end else if (tok_bad) begin
          seq_fault = 1'b1;
          seq_code  = ig1_pkg::FaultToken;
          seq_addr  = 64'(tok_num);
        end else begin
          acct_d  = tok_acct;
          opnd_d  = '0;
          state_d = is_seq ? StSeqWait : StCheck;
          // most sequencer commands wait for nothing
          if (is_seq && seq_ready) state_d = StSeqExec;
        end
      end

      StCheck: begin
        if (chk_bad) begin
          seq_fault = 1'b1;
          seq_code  = chk_code;
          seq_addr  = chk_addr;
        end else if (!chk_zero) begin
          state_d = StRange;
        end else if (q_full[eng]) begin
          stall = 1'b1;
        end else begin
          q_push[eng] = 1'b1;
          advance = 1'b1;
        end
      end

      StRange: begin
        if (op_used && op_bad) begin
          seq_fault = 1'b1;
          seq_code  = op_fault;
          seq_addr  = op_low;
        end else if (!op_last) begin
          opnd_d = opnd_q + 3'd1;
        end else if (q_full[eng]) begin
          stall = 1'b1;
        end else begin
          q_push[eng] = 1'b1;
          advance = 1'b1;
        end
      end

      StSeqWait: begin
        if (seq_ready) state_d = StSeqExec;
        else stall = 1'b1;
      end

      StSeqExec: begin
        case (sc.op)
          ig1_pkg::OpSLi: begin
            reg_we  = 1'b1;
            reg_wd  = sc.imm;
            advance = 1'b1;
          end
          ig1_pkg::OpSAlu: begin
            reg_we  = 1'b1;
            reg_wd  = alu;
            advance = 1'b1;
          end
          ig1_pkg::OpSLd, ig1_pkg::OpSSt: begin
            if (mem_addr[1:0] != 2'd0) begin
              seq_fault = 1'b1;
              seq_code  = ig1_pkg::FaultAlign;
              seq_addr  = mem_addr;
            end else if (mem_addr > 64'(ScratchBytes) -
                (sc.width == ig1_pkg::LdwU64 ? 64'd8 : 64'd4)) begin
              seq_fault = 1'b1;
              seq_code  = ig1_pkg::FaultScratch;
              seq_addr  = mem_addr;
            end else if (sc.op == ig1_pkg::OpSLd) begin
              rd_valid_o = 1'b1;
              if (rd_ready_i) state_d = StLoad;
            end else begin
              wr_valid_o = 1'b1;
              wr_data_o[63:0] = regs_q[sc.rb];
              wr_mask_o[1:0] = {sc.width == ig1_pkg::LdwU64, 1'b1};
              advance = wr_ready_i;
            end
          end
          ig1_pkg::OpSLoop: begin
            if (mem_addr > 64'(ig1_pkg::MaxCount)) begin
              seq_fault = 1'b1;
              seq_code  = ig1_pkg::FaultCount;
              seq_addr  = mem_addr;
            end else if (sc.len == 32'd0 || depth_q == DepthW'(Depth) ||
                jump > {1'b0, body_limit}) begin
              seq_fault = 1'b1;
              seq_code  = ig1_pkg::FaultLoop;
            end else begin
              advance = 1'b1;
              if (mem_addr == 64'd0) begin
                next_pc = jump[31:0];
              end else begin
                lp_push = 1'b1;
                reg_we  = 1'b1;
              end
            end
          end
          ig1_pkg::OpSSkip: begin
            if (jump > {1'b0, body_limit}) begin
              seq_fault = 1'b1;
              seq_code  = ig1_pkg::FaultLoop;
            end else begin
              advance = 1'b1;
              if (cond) next_pc = jump[31:0];
            end
          end
          ig1_pkg::OpSBrk: begin
            if (depth_q == '0) begin
              seq_fault = 1'b1;
              seq_code  = ig1_pkg::FaultLoop;
            end else begin
              advance = 1'b1;
              if (cond) begin
                lp_pop  = 1'b1;
                next_pc = body_limit;
              end
            end
          end
          ig1_pkg::OpSEmit: begin
            if (em_full) begin
              seq_fault = 1'b1;
              seq_code  = ig1_pkg::FaultEmit;
            end else begin
              state_d = StEmit;
            end
          end
          default: state_d = StSync;  // s.sync, s.end
        endcase
      end

      StLoad: begin
        reg_we  = 1'b1;
        reg_wd  = sc.width == ig1_pkg::LdwU64 ? rd_data_i[63:0] : {32'd0, rd_data_i[31:0]};
        advance = 1'b1;
      end

      StEmit: begin
        em_req = !em_done;
        stall  = 1'b1;
        if (em_done) begin
          if (em_fault != 8'd0) begin
            seq_fault = 1'b1;
            seq_code  = em_fault;
            seq_addr  = em_va;
          end else begin
            advance = 1'b1;
          end
        end
      end

      StSync: begin
        stall = 1'b1;
        if (&q_empty) begin
          if (sc.op == ig1_pkg::OpSEnd) begin
            order_d = order_q + 32'd1;
            state_d = StFinish;
          end else begin
            advance = 1'b1;
          end
        end
      end

      StDrain: if (&q_empty) state_d = StFinish;

      StFinish: begin
        // a walk that fetching ahead began must not end in the next job's address space
        if (wr_idle && f_idle && !walk_busy_i) begin
          done_o  = 1'b1;
          state_d = StIdle;
        end
      end

      default: state_d = StIdle;
    endcase

    if (advance) begin
      state_d = StFetch;
      order_d = order_q + 32'd1;
      if (sc.wait_mask != 16'd0)
        for (int unsigned t = 0; t < 16; t++)
          if (sc.wait_mask[t]) taken_d[t] = taken_q[t] + 16'd1;
      if (is_seq) seq_signal = sc.signal_mask;
    end
    // Younger than any fault known: leave it, but let a token write come back first.
    if ((fault_q || seq_fault) && state_q != StIdle && state_q != StDrain && state_q != StFinish &&
        !(state_q == StEmit && !em_done))
      state_d = StDrain;
  end

  // Loops: an end reached by next_pc begins the next iteration or leaves the body, outward.
  logic closing;
  always_comb begin
    pc_d = pc_q;
    depth_d = depth_q;
    lp_start_d = lp_start_q;
    lp_end_d = lp_end_q;
    lp_count_d = lp_count_q;
    lp_iter_d = lp_iter_q;
    lp_rd_d = lp_rd_q;
    lp_we = 1'b0;
    lp_wr = '0;
    lp_wd = '0;
    closing = 1'b0;
    if (advance) begin
      pc_d = next_pc;
      if (lp_push) begin
        for (int unsigned i = 0; i < Depth; i++) begin
          if (depth_q == DepthW'(i)) begin
            lp_start_d[i] = pc_q + 32'd1;
            lp_end_d[i] = jump[31:0];
            lp_count_d[i] = mem_addr[24:0];
            lp_iter_d[i] = '0;
            lp_rd_d[i] = sc.rd;
          end
        end
        depth_d = depth_q + DepthW'(1);
      end
      if (lp_pop) depth_d = depth_q - DepthW'(1);
      closing = 1'b1;
      for (int i = int'(Depth) - 1; i >= 0; i--) begin
        if (closing && depth_d == DepthW'(i + 1)) begin
          if (pc_d != lp_end_d[i]) begin
            closing = 1'b0;
          end else if (lp_iter_d[i] + 25'd1 < lp_count_d[i]) begin
            closing = 1'b0;
            lp_iter_d[i] = lp_iter_d[i] + 25'd1;
            pc_d = lp_start_d[i];
            lp_we = 1'b1;
            lp_wr = lp_rd_d[i];
            lp_wd = lp_iter_d[i];
          end else begin
            depth_d = DepthW'(i);
          end
        end
      end
    end
    if (launch_i) begin
      pc_d = '0;
      depth_d = '0;
    end
  end

  // Faults: the lowest order wins.
  always_comb begin
    fault_d = fault_q;
    fault_code_d = fault_code_q;
    fault_addr_d = fault_addr_q;
    fault_index_d = fault_index_q;
    fault_order_d = fault_order_q;
    abort_d = abort_q;
    for (int unsigned e = 0; e < 3; e++) begin
      if (q_fault[e] && !abort_q && (!fault_d || q_order[e] < fault_order_d)) begin
        fault_d = 1'b1;
        fault_code_d = q_code[e];
        fault_addr_d = q_addr[e];
        fault_index_d = q_index[e];
        fault_order_d = q_order[e];
      end
    end
    if (seq_fault && !fault_d) begin
      fault_d = 1'b1;
      fault_code_d = seq_code;
      fault_addr_d = seq_addr;
      fault_index_d = pc_q;
      fault_order_d = order_q;
    end
    if (state_q != StIdle && state_q != StFinish && !abort_q &&
        (abort_i || 64'(now_q) >= watchdog_i)) begin
      abort_d = 1'b1;
      if (!fault_d) begin
        fault_d = 1'b1;
        fault_code_d = abort_i ? ig1_pkg::FaultAbort : ig1_pkg::FaultWatchdog;
        fault_addr_d = '0;
        fault_index_d = pc_q;
      end
      fault_order_d = '0;
    end
    if (launch_i) begin
      fault_d = 1'b0;
      fault_code_d = ig1_pkg::FaultNone;
      fault_addr_d = '0;
      fault_index_d = '0;
      fault_order_d = '0;
      abort_d = 1'b0;
    end
  end
  assign eng_abort_o = abort_q;

  // Counters, each with its own increment
  logic [ig1_pkg::Counters-1:0] ctr_up;
  logic [ig1_pkg::Counters-1:0][31:0] ctr_by;
  always_comb begin
    ctr_up = '0;
    ctr_by = '0;
    ctr_up[ig1_pkg::CtrCycles] = 1'b1;
    ctr_up[ig1_pkg::CtrCommands] = advance || (state_q == StSync && state_d == StFinish);
    ctr_up[ig1_pkg::CtrSeqStall] = stall;
    ctr_up[ig1_pkg::CtrTileBusy] = q_busy[0];
    ctr_up[ig1_pkg::CtrVecBusy] = q_busy[1];
    ctr_up[ig1_pkg::CtrDmaBusy] = q_busy[2];
    ctr_up[ig1_pkg::CtrEmits] = em_done && em_fault == 8'd0;
    ctr_up[ig1_pkg::CtrTlbMisses] = tlb_miss_i;
    ctr_by[ig1_pkg::CtrMacs] = stat_macs_i;
    ctr_by[ig1_pkg::CtrRomBytes] = stat_rom_bytes_i;
    ctr_by[ig1_pkg::CtrKvBytes] = stat_kv_bytes_i;
    ctr_by[ig1_pkg::CtrVecElems] = stat_vec_elems_i;
    ctr_by[ig1_pkg::CtrDmaBytes] = stat_dma_bytes_i;
  end

  for (genvar i = 0; i < ig1_pkg::Counters; i++) begin : gen_counter
    logic [63:0] count_q;
    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) count_q <= '0;
      else if (launch_i) count_q <= '0;
      else if (state_q != StIdle && (ctr_up[i] || ctr_by[i] != 32'd0))
        count_q <= count_q + 64'(ctr_by[i]) + 64'(ctr_up[i]);
    end
    assign counters_o[i] = count_q;
  end

  assign busy_o = state_q != StIdle;
  assign fault_o = fault_code_q;
  assign fault_addr_o = fault_addr_q;
  assign fault_index_o = fault_index_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q <= StIdle;
      pc_q <= '0;
      order_q <= '0;
      depth_q <= '0;
      acct_q <= '0;
      given_q <= '0;
      taken_q <= '0;
      opnd_q <= '0;
      clear_q <= '0;
      now_q <= '0;
      abort_q <= 1'b0;
      fault_q <= 1'b0;
      fault_code_q <= '0;
      fault_addr_q <= '0;
      fault_index_q <= '0;
      fault_order_q <= '0;
    end else begin
      state_q <= state_d;
      pc_q <= pc_d;
      order_q <= order_d;
      depth_q <= depth_d;
      acct_q <= acct_d;
      given_q <= given_d;
      taken_q <= taken_d;
      opnd_q <= opnd_d;
      clear_q <= clear_d;
      now_q <= launch_i ? '0 : state_q != StIdle ? now_q + 48'd1 : now_q;
      abort_q <= abort_d;
      fault_q <= fault_d;
      fault_code_q <= fault_code_d;
      fault_addr_q <= fault_addr_d;
      fault_index_q <= fault_index_d;
      fault_order_q <= fault_order_d;
    end
  end

  always_ff @(posedge clk_i) begin
    if (state_q == StFetch && f_hit) cmd_q <= f_cmd;
    lp_start_q <= lp_start_d;
    lp_end_q <= lp_end_d;
    lp_count_q <= lp_count_d;
    lp_iter_q <= lp_iter_d;
    lp_rd_q <= lp_rd_d;
    if (launch_i) begin
      regs_q <= '0;
      for (int unsigned i = 0; i < 8; i++) regs_q[i+1] <= args_i[i];
    end else begin
      // a body's counter is set after what its last command wrote
      if (reg_we && sc.rd != 5'd0) regs_q[sc.rd] <= reg_wd;
      if (lp_we && lp_wr != 5'd0) regs_q[lp_wr] <= 64'(lp_wd);
    end
  end

`ifndef SYNTHESIS
  LaunchIdle :
  assert property (@(posedge clk_i) disable iff (!rst_ni) launch_i |-> state_q == StIdle);
  ZeroReg :
  assert property (@(posedge clk_i) disable iff (!rst_ni) busy_o |-> regs_q[0] == 64'd0);
  ClearWhole :
  assert property (@(posedge clk_i) disable iff (!rst_ni) ScratchBytes % MemBytes == 0);
`endif
endmodule
