"""XiaoZhi, the protocol of the voice robots built with github.com/78/xiaozhi-esp32."""
