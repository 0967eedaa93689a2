//! Serial ports: the console is on the first.

use uart_16550::{Config, Uart16550, backend::PioBackend};

/// A serial device of a PC, by the first of its eight ports.
#[derive(Clone, Copy)]
pub(crate) enum Port {
    /// The console's.
    First = 0x3f8,
    /// For a trace of blocks.
    #[cfg(feature = "record")]
    Second = 0x2f8,
    /// For a trace of pages.
    #[cfg(feature = "record")]
    Third = 0x3e8,
}

/// The device.
pub(crate) struct Serial(Uart16550<PioBackend>);

impl Serial {
    /// The device, not yet set up.
    pub(crate) const fn new(port: Port) -> Self {
        // SAFETY: the eight ports from there on are a serial device's; this is its only driver, because each device
        // serves one part of the kernel, which makes one value of this type.
        match unsafe { Uart16550::new_port(port as u16) } {
            Ok(device) => Self(device),
            Err(_) => panic!("each device is at a port"),
        }
    }

    /// Sets the device up. Without a device everything sent is lost, and there is nobody to tell.
    pub(crate) fn set_up(&mut self) {
        let _lost_if_missing = self.0.init(Config::default());
    }

    /// Sends bytes; waits until the device has taken them.
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.0.send_bytes_exact(bytes);
    }
}
