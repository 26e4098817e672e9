// SPDX-License-Identifier: MIT
// Types shared by the parts of the host interface and by what it launches.

package ig1_hostif_pkg;
  // Job parameters, held from launch to done.
  typedef struct packed {
    logic [7:0][63:0] args;
    logic [63:0] watchdog;
    logic [31:0] trace_entries;
    logic [63:0] trace_va;
    logic [63:0] emit_va;
    logic [31:0] emit_entries;
    logic [31:0] prog_len;
    logic [63:0] prog_va;
    logic [63:0] pt_root;
  } launch_t;

  // What the host's registers tell the MCU's.
  typedef struct packed {
    logic [3:0][31:0] mbox_arg;
    logic [31:0] mbox_seq;
    logic [31:0] mbox_cmd;
  } to_mcu_t;

  // What the MCU's registers tell the host's.
  typedef struct packed {
    logic [3:0][31:0] mbox_out;
    logic [31:0] mbox_val;
    logic [31:0] mbox_ret;
    logic [31:0] mbox_done;
    logic [31:0] fw_version;
    logic [31:0] fw_abi;
    logic [31:0] fw_error;
    logic [31:0] fw_state;
  } to_host_t;

  // A transfer of the copy engine.
  typedef struct packed {
    logic [1:0] what;  // 1 host to MCU, 2 MCU to host, 3 zero resident SRAM
    logic [31:0] bytes;
    logic [31:0] local_addr;
    logic [63:0] host;
  } copy_t;
endpackage
