// SPDX-License-Identifier: MIT
//
// One step of the tile array: every row takes one word of weights (a Q8_0 group, two groups of a
// shorter format or a group from the KV buffer) and multiplies it with all columns.

package prim_tile_pkg;
  // From the step to the cycle in which its row's result may be read.
  /* verilator lint_off UNUSEDPARAM */
  localparam int unsigned StepLatency = 3;
  /* verilator lint_on UNUSEDPARAM */

  typedef struct packed {
    logic        valid;
    logic        kv;         // weights from the KV buffer, else from ROM
    logic        transpose;  // KV: row i takes value i of every position
    logic [3:0]  fmt;        // ROM: ig1_pkg::Wfmt*, of which Yosys reads no type here; with kv WfmtQ80
    logic        two;        // a pair of groups (fmt_pair): the second one exists
    logic        first;      // partial sums start at zero
    logic        last;       // the results are complete with it
    logic        run_first;  // first step over this filling of the column buffer: group 0
    logic        run_last;   // last one
    logic [2:0]  acc;        // partial sum of the group; of the second one: the next
    logic [15:0] group;      // in the column buffer
    logic [39:0] addr;       // ROM: byte address of row 0's block
    logic [31:0] wstride;    // ROM: bytes from row to row
    logic        buffer;     // KV: which block
    logic [4:0]  slot;       // KV: which share of the block's 32 rows, where the array has fewer
    logic [5:0]  positions;  // KV, transpose: positions that count
    logic [15:0] rows;       // wanted rows
    logic [7:0]  cols;       // wanted columns
  } step_t;

  // Two groups in a step?
  function automatic logic fmt_pair(logic [3:0] fmt);
    fmt_pair = fmt != ig1_pkg::WfmtQ80;
  endfunction
endpackage
