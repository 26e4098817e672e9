// SPDX-License-Identifier: MIT
//
// t.emb: for each column the index from scratch, its check, then the ROM row block by block to
// scratch, Lanes elements a cycle.

module ig1_tile_emb #(
  parameter int unsigned Lanes = 32,
  localparam int unsigned MemW = 32 * Lanes
) (
  input  logic              clk_i,
  input  logic              rst_ni,
  input  logic [7:0]        chip_i,
  input  logic              abort_i,
  input  logic              start_i,
  /* verilator lint_off UNUSEDSIGNAL */  // the sequencer has used the other fields
  input  ig1_pkg::cmd_emb_t next_cmd_i,
  input  ig1_pkg::cmd_emb_t cmd_i,        // from the cycle after start_i
  /* verilator lint_on UNUSEDSIGNAL */
  output logic              idle_o,
  output logic [7:0]        fault_o,
  output logic [63:0]       fault_addr_o,
  output logic [31:0]       stat_rom_bytes_o,

  output logic              rd_valid_o,
  input  logic              rd_ready_i,
  output logic [31:0]       rd_addr_o,
  input  logic [31:0]       rd_word_i,
  output logic              wr_valid_o,
  input  logic              wr_ready_i,
  output logic [31:0]       wr_addr_o,
  output logic [MemW-1:0]   wr_data_o
);
  typedef enum logic [1:0] {
    StIdle,
    StIndex,  // ask for the index
    StCheck,  // it is there
    StRow
  } state_e;

  state_e      state_q, state_d;
  logic [24:0] cols_q, cols_d;      // left
  logic [24:0] groups_q, groups_d;  // left in the row
  logic [31:0] idx_q, idx_d;        // address of the index
  logic [31:0] y_row_q, y_row_d, y_q, y_d;
  logic [39:0] rom_q, rom_d;
  logic [4:0]  first_q, first_d;    // element in the block
  logic        fault_q, fault_d;
  logic [31:0] fault_idx_q, fault_idx_d;

  logic        read, wr_valid_q;
  logic [31:0] wr_addr_q;
  logic [7:0]  block;

  assign block = ig1_pkg::wfmt_block_bytes(cmd_i.fmt);

  assign rd_valid_o = state_q == StIndex;
  assign rd_addr_o  = idx_q;
  assign read       = (state_q == StRow) && (!wr_valid_q || wr_ready_i);

  always_comb begin
    state_d     = state_q;
    cols_d      = cols_q;
    groups_d    = groups_q;
    idx_d       = idx_q;
    y_row_d     = y_row_q;
    y_d         = y_q;
    rom_d       = rom_q;
    first_d     = first_q;
    fault_d     = fault_q;
    fault_idx_d = fault_idx_q;
    case (state_q)
      StIndex: begin
        if (rd_ready_i) state_d = StCheck;
      end
      StCheck: begin
        state_d  = abort_i ? StIdle : StRow;
        groups_d = cmd_i.groups[24:0];
        first_d  = 5'd0;
        y_d      = y_row_q;
        rom_d    = 40'(cmd_i.rom) + 40'(64'(rd_word_i) * 64'(cmd_i.wstride));
        if (rd_word_i >= cmd_i.rows) begin
          state_d     = StIdle;
          fault_d     = 1'b1;
          fault_idx_d = rd_word_i;
        end
      end
      StRow: begin
        if (read) begin
          first_d = first_q + 5'(Lanes);
          y_d     = y_q + 32'(4 * Lanes);
          if (first_d == 5'd0) begin
            rom_d    = rom_q + {32'h0, block};
            groups_d = groups_q - 25'd1;
            if (groups_q == 25'd1) begin
              cols_d  = cols_q - 25'd1;
              idx_d   = idx_q + cmd_i.istride;
              y_row_d = y_row_q + cmd_i.ystride;
              state_d = (cols_q == 25'd1) ? StIdle : StIndex;
            end
          end
          if (abort_i) state_d = StIdle;
        end
      end
      default: ;
    endcase
    if (start_i) begin
      state_d = StIndex;
      cols_d  = next_cmd_i.cols[24:0];
      idx_d   = next_cmd_i.idx;
      y_row_d = next_cmd_i.y;
      fault_d = 1'b0;
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q    <= StIdle;
      wr_valid_q <= 1'b0;
      fault_q    <= 1'b0;
    end else begin
      state_q    <= state_d;
      wr_valid_q <= read || (wr_valid_q && !wr_ready_i);
      fault_q    <= fault_d;
    end
  end

  always_ff @(posedge clk_i) begin
    cols_q      <= cols_d;
    groups_q    <= groups_d;
    idx_q       <= idx_d;
    y_row_q     <= y_row_d;
    y_q         <= y_d;
    rom_q       <= rom_d;
    first_q     <= first_d;
    fault_idx_q <= fault_idx_d;
    if (read) wr_addr_q <= y_q;
  end

  prim_rom_deq #(
    .Lanes(Lanes)
  ) u_deq (
    .clk_i  (clk_i),
    .chip_i (chip_i),
    .rd_i   (read),
    .addr_i (rom_q),
    .fmt_i  (cmd_i.fmt),
    .first_i(first_q),
    .y_o    (wr_data_o)
  );

  assign wr_valid_o       = wr_valid_q;
  assign wr_addr_o        = wr_addr_q;
  assign idle_o           = (state_q == StIdle) && !wr_valid_q;
  assign fault_o          = fault_q ? ig1_pkg::FaultIndex : ig1_pkg::FaultNone;
  assign fault_addr_o     = {32'h0, fault_q ? fault_idx_q : 32'h0};
  assign stat_rom_bytes_o = (read && (first_q == 5'd0)) ? {24'h0, block} : 32'h0;
endmodule
