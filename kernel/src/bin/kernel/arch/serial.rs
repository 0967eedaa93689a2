//! The first serial port, where the console is.

use uart_16550::{Config, Uart16550, backend::PioBackend};

/// The port of the first serial device on a PC.
const COM1: u16 = 0x3f8;

/// The device.
pub(crate) struct Serial(Uart16550<PioBackend>);

impl Serial {
    /// The device, not yet set up.
    pub(crate) const fn new() -> Self {
        // SAFETY: the eight ports from 0x3f8 on are the first serial device's; this is its only driver, because the
        // only value of this type is the console's.
        match unsafe { Uart16550::new_port(COM1) } {
            Ok(device) => Self(device),
            Err(_) => panic!("0x3f8 is a port"),
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
