// SPDX-License-Identifier: MIT
//
// KV buffer: two blocks of 32 positions by 32 int8 values, with a scale per position. For a step it
// hands every row of the array its weights: row i the values of a position, or value i of every
// position, those from `positions` on zero and the scale 1.0.

module prim_tile_kv #(
  parameter int unsigned Lanes = 32,
  parameter int unsigned Units = 32  // rows of the array that take part, at most 32
) (
  input  logic                 clk_i,
  input  logic                 we_i,
  input  logic                 wr_scales_i,
  input  logic                 wr_buffer_i,
  input  logic [9:0]           wr_offset_i,  // bytes, a multiple of the bus width
  input  logic [32*Lanes-1:0]  wr_data_i,
  /* verilator lint_off UNUSEDSIGNAL */
  input  prim_tile_pkg::step_t step_i,
  /* verilator lint_on UNUSEDSIGNAL */
  output logic [256*Units-1:0] w_o,
  output logic [32*Units-1:0]  scale_o
);
  localparam int unsigned WriteRows = Lanes / 8;
  localparam int unsigned SlotShift = $clog2(Units);

  logic [255:0]  row_q [0:63];
  logic [2047:0] scales_q;

  for (genvar r = 0; r < 64; r++) begin : gen_row
    logic we;
    assign we = we_i && !wr_scales_i && (wr_buffer_i == (r >= 32)) &&
                (32'(wr_offset_i[9:5]) / WriteRows == (r % 32) / WriteRows);

    always_ff @(posedge clk_i) begin
      if (we) row_q[r] <= wr_data_i[256*(r%WriteRows)+:256];
    end
  end

  for (genvar s = 0; s < 64 / Lanes; s++) begin : gen_scales
    logic we;
    assign we = we_i && wr_scales_i && (wr_buffer_i == (s * Lanes >= 32)) &&
                (32'(wr_offset_i[6:2]) / Lanes == s % (32 / Lanes));

    always_ff @(posedge clk_i) begin
      if (we) scales_q[32*Lanes*s+:32*Lanes] <= wr_data_i;
    end
  end

  for (genvar u = 0; u < Units; u++) begin : gen_unit
    logic [4:0]   at;  // position or value of this unit
    logic [5:0]   at_row;
    logic [255:0] column;

    assign at     = 5'(step_i.slot << SlotShift) | 5'(u);
    assign at_row = {step_i.buffer, at};

    always_comb begin
      for (int unsigned j = 0; j < 32; j++) begin
        column[8*j+:8] = (6'(j) < step_i.positions) ?
                         row_q[{step_i.buffer, 5'(j)}][{at, 3'b000}+:8] : 8'h0;
      end
    end

    always_ff @(posedge clk_i) begin
      if (step_i.valid && step_i.kv) begin
        w_o[256*u+:256]    <= step_i.transpose ? column : row_q[at_row];
        scale_o[32*u+:32]  <= step_i.transpose ? ig1_numbers_pkg::F32One :
                                                 scales_q[{at_row, 5'h0}+:32];
      end
    end
  end

  logic unused_offset;
  assign unused_offset = ^wr_offset_i;
endmodule
