// SPDX-License-Identifier: MIT
//
// Row reduction. Chunks of n_i elements, the first being element index_i of its row (a multiple of
// Lanes), go to 32 interleaved partial results (element mod 32) whatever Lanes is. The chunk with
// last_i ends the row: its result stands at out_o, out_valid_o high, ReduceLatency cycles after the
// chunk was accepted, until out_ready_i, while the next row is being taken in.
// clear_i drops everything. The caller keeps mode_i unchanged while anything is under way.

module prim_vec_reduce #(
  parameter int unsigned Lanes = 32
) (
  input  logic                clk_i,
  input  logic                rst_ni,
  input  logic                clear_i,
  input  ig1_pkg::vred_e      mode_i,
  input  logic                in_valid_i,
  output logic                in_ready_o,
  input  logic [32*Lanes-1:0] data_i,
  input  logic [5:0]          n_i,
  input  logic [31:0]         index_i,
  input  logic                last_i,
  output logic                idle_o,
  output logic                out_valid_o,
  input  logic                out_ready_i,
  output logic [31:0]         out_o
);
  import prim_vec_gates_pkg::*;

  localparam int unsigned N = ig1_numbers_pkg::ReducePartials;

  // less than the key of every number
  localparam logic [31:0] NoKey = 32'h8000_0000;

  // Sums, or keys in the order of the numbers with the element's index.
  logic [32*N-1:0]     part_q, part_d, part_turned, part_new;
  logic [32*N-1:0]     at_q, at_d, at_turned, at_new;
  logic [32*Lanes-1:0] lane_part, lane_at;
  logic [32*N-1:0]     tree_q, tree_d, tree_at_q, tree_at_d;
  logic [32*N-1:0]     tree_far, tree_far_at;
  logic [5:0]          half_q, half_d;  // 16, 8, .. 1 while the tree works
  logic                out_valid_q, out_valid_d;
  logic                accept, finish, sum_mode;
  logic [4:0]          slot;

  assign sum_mode   = mode_i == ig1_pkg::VredSum;
  assign slot       = index_i[4:0];
  assign in_ready_o = !last_i || ((half_q == 6'd0) && (!out_valid_q || out_ready_i));
  assign accept     = in_valid_i && in_ready_o;
  assign finish     = accept && last_i;

  // --- a chunk into the partial results ---

  assign part_turned = part_q >> {slot, 5'h0};
  assign at_turned   = at_q >> {slot, 5'h0};

  for (genvar i = 0; i < Lanes; i++) begin : gen_lane
    logic [31:0] x, old, old_at, sum, key;
    logic        use_lane, better;

    assign x        = data_i[32*i+:32];
    assign old      = part_turned[32*i+:32];
    assign old_at   = at_turned[32*i+:32];
    assign use_lane = 6'(i) < n_i;

    prim_fp32_add u_add (
      .a_i(old),
      .b_i(x),
      .y_o(sum)
    );

    // the arg max never is a NaN
    assign key    = ((mode_i == ig1_pkg::VredArgmax) && is_nan(x)) ? NoKey : order_key(x);
    assign better = $signed(key) > $signed(old);

    always_comb begin
      lane_part[32*i+:32] = old;
      lane_at[32*i+:32]   = old_at;
      if (use_lane) begin
        if (sum_mode) begin
          lane_part[32*i+:32] = sum;
        end else if (better) begin
          lane_part[32*i+:32] = key;
          lane_at[32*i+:32]   = index_i + 32'(i);
        end
      end
    end
  end

  if (Lanes == N) begin : gen_whole
    assign part_new = lane_part;
    assign at_new   = lane_at;

    logic unused_turned;
    assign unused_turned = ^slot;
  end else begin : gen_part
    localparam logic [32*N-1:0] LaneMask = {{(32*(N-Lanes)){1'b0}}, {(32*Lanes){1'b1}}};
    assign part_new = (part_q & ~(LaneMask << {slot, 5'h0})) |
                      ((32*N)'(lane_part) << {slot, 5'h0});
    assign at_new   = (at_q & ~(LaneMask << {slot, 5'h0})) |
                      ((32*N)'(lane_at) << {slot, 5'h0});

    logic unused_turned;
    assign unused_turned = ^{part_turned[32*N-1:32*Lanes], at_turned[32*N-1:32*Lanes]};
  end

  always_comb begin
    part_d = part_q;
    at_d   = at_q;
    if (accept) begin
      part_d = part_new;
      at_d   = at_new;
    end
    if (clear_i || finish) begin
      part_d = sum_mode ? {N{32'h0}} : {N{NoKey}};
      at_d   = '0;
    end
  end

  // --- tree: element j takes element j + half ---

  assign tree_far    = tree_q >> {half_q, 5'h0};
  assign tree_far_at = tree_at_q >> {half_q, 5'h0};

  for (genvar j = 0; j < N / 2; j++) begin : gen_tree
    logic [31:0] near, far, sum;
    logic        take_far;

    assign near = tree_q[32*j+:32];
    assign far  = tree_far[32*j+:32];

    prim_fp32_add u_add (
      .a_i(near),
      .b_i(far),
      .y_o(sum)
    );

    // the lowest index on ties
    assign take_far = ($signed(far) > $signed(near)) ||
                      ((far == near) && (tree_far_at[32*j+:32] < tree_at_q[32*j+:32]));

    assign tree_d[32*j+:32]    = sum_mode ? sum : (take_far ? far : near);
    assign tree_at_d[32*j+:32] = take_far ? tree_far_at[32*j+:32] : tree_at_q[32*j+:32];
  end

  assign tree_d[32*N-1:16*N]    = tree_q[32*N-1:16*N];
  assign tree_at_d[32*N-1:16*N] = tree_at_q[32*N-1:16*N];

  logic unused_far;
  assign unused_far = ^{tree_far[32*N-1:16*N], tree_far_at[32*N-1:16*N]};

  always_comb begin
    half_d      = half_q >> 1;
    out_valid_d = out_valid_q && !out_ready_i;
    if (half_q == 6'd1) out_valid_d = 1'b1;
    if (finish) half_d = 6'(N / 2);
    if (clear_i) begin
      half_d      = 6'd0;
      out_valid_d = 1'b0;
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      half_q      <= 6'd0;
      out_valid_q <= 1'b0;
    end else begin
      half_q      <= half_d;
      out_valid_q <= out_valid_d;
    end
  end

  always_ff @(posedge clk_i) begin
    if (accept || clear_i) begin
      part_q <= part_d;
      at_q   <= at_d;
    end
    if (finish) begin
      tree_q    <= part_new;
      tree_at_q <= at_new;
    end else if (half_q != 6'd0) begin
      tree_q    <= tree_d;
      tree_at_q <= tree_at_d;
    end
  end

  always_comb begin
    case (mode_i)
      ig1_pkg::VredMax:    out_o = from_order_key(tree_q[31:0]);
      ig1_pkg::VredArgmax: out_o = tree_at_q[31:0];
      default:             out_o = tree_q[31:0];
    endcase
  end

  assign out_valid_o = out_valid_q;
  assign idle_o      = (half_q == 6'd0) && !out_valid_q;
endmodule
