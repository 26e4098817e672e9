// SPDX-License-Identifier: MIT
//
// One step of the tile array: every row takes one word of weights (a group, two groups of a short
// format or a group from the KV buffer) and multiplies it with all columns. It makes up to two
// terms of a dot product: of the two groups, or both of one.

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
    logic        two;        // there is a second term; of a pair of groups (fmt_pair): the second one
    logic        first;      // partial sums start at zero
    logic        last;       // the results are complete with it
    logic        run_first;  // first step over this filling of the column buffer: group 0
    logic        run_last;   // last one
    logic [2:0]  acc;        // partial sum of the first term; of the second one: the next
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
    fmt_pair = ig1_pkg::wfmt_step_groups(fmt) == 8'd2;
  endfunction

  // Two terms of a group?
  function automatic logic fmt_two(logic [3:0] fmt);
    fmt_two = ig1_pkg::wfmt_terms(fmt) == 8'd2;
  endfunction

  // Is the second one a constant times the sum of the activations? Else it is of weights 16 to 31.
  function automatic logic fmt_constant(logic [3:0] fmt);
    fmt_constant = (fmt == ig1_pkg::WfmtQ41) || (fmt == ig1_pkg::WfmtQ51);
  endfunction
endpackage
