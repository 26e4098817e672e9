// SPDX-License-Identifier: MIT
//
// What both bodies of the vector leaves and the vector unit agree on: cycles per operation,
// operands of an operation, latencies of the reduction tree and of the quantiser.

package prim_vec_pkg;
  /* verilator lint_off UNUSEDPARAM */

  // From the last chunk of a row to its reduction: one level of the tree a cycle.
  localparam int unsigned ReduceLatency = 5;

  // From 32 values to their group: magnitude, scale, six steps of the reciprocal, rounding.
  localparam int unsigned QuantLatency = 9;
  localparam int unsigned QuantDepth   = 16;

  /* verilator lint_on UNUSEDPARAM */

  // Multiply-adds, hence cycles, of an operation.
  function automatic logic [4:0] latency(logic [7:0] op);
    case (op)
      ig1_pkg::OpVMul3, ig1_pkg::OpVRot: latency = 5'd2;
      ig1_pkg::OpVRecip:                 latency = 5'd6;
      ig1_pkg::OpVRsqrt:                 latency = 5'd10;
      ig1_pkg::OpVExps:                  latency = 5'd11;
      ig1_pkg::OpVSigm:                  latency = 5'd16;
      ig1_pkg::OpVSilu:                  latency = 5'd17;
      ig1_pkg::OpVSilumul:               latency = 5'd18;
      default:                           latency = 5'd1;
    endcase
  endfunction

  // Bit 0: a, 1: b, 2: c, 3: d.
  function automatic logic [3:0] sources(logic [7:0] op);
    case (op)
      ig1_pkg::OpVAdd, ig1_pkg::OpVSub, ig1_pkg::OpVMul, ig1_pkg::OpVExps,
      ig1_pkg::OpVSilumul, ig1_pkg::OpVMax: sources = 4'b0011;
      ig1_pkg::OpVMad, ig1_pkg::OpVMul3:    sources = 4'b0111;
      ig1_pkg::OpVRot:                      sources = 4'b1111;
      default:                              sources = 4'b0001;
    endcase
  endfunction
endpackage
